// Photos that are parsed on the device instead of by the server, while that is chosen in the model menu; what does it is in
// ../device/page.js, fetched once it is chosen. A result from here has `save`, which makes its files.
let device = null;

// Whether no photo may be sent: from the choice on, even before `device` is there.
const staysHere = () => "device" in document.documentElement.dataset;

// Photos are parsed on the device from now on, the one on show first; null: by the server.
function useDevice(chosen) {
  stopLive();
  device = chosen;
  if (device && parsed) openHere({ pixels: parsed.pixels, width: parsed.width, height: parsed.height });
}

// Parses a photo, as Device.parse takes it, on the device. Nothing of it is sent.
async function openHere(source) {
  stopLive();
  const mine = ++serial;
  const model = words["device.model"];
  work({ name: "open" });
  const found = await device.parse(source, (stage) => mine === serial && work({ ...stage, model }));
  if (mine !== serial) return;
  work(null);
  if (!found) return;
  if (found.failed) return say(found.failed);
  settings.person = 0;
  showFound(found, new Uint32Array(found.pixels.buffer));
}

function showFound({ width, height, people, timings, maps, save }, pixels) {
  const facts = { width, height, people: people.length, model: words["device.model"], timings, classes: props.lite_table, save };
  show(facts, new Parsed(width, height, pixels, maps));
}

async function parseFrameHere({ pixels, width, height }) {
  const found = await device?.parse({ pixels, width, height });
  return found?.failed ? null : found;
}

async function saveHere(form) {
  const { ticked, person, colors } = settings;
  const { palettes } = props;
  const wanted = { form, parts: [...ticked], person: person || null, palette: colors, usual: palettes.lip, table: props.lite_table };
  const { name, blob } = await result.save(wanted);
  download(blob, name);
}
