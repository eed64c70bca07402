// Runs once when the model menu is drawn. What the server says about M2FP goes into the value, and the template shows it.
const EVERY_MS = 1000;
let timer;
let endDevice = null;

async function ask(start) {
  clearTimeout(timer);
  const earlier = props.value.phase;
  try {
    const state = await server.model_state(start);
    props.value = { ...props.value, ...state };
  } catch {
    // The server may be back when it is asked again.
  }
  const { phase, choice } = props.value;
  if (phase === "loading") timer = setTimeout(ask, EVERY_MS, false);
  if (phase === "ready" && earlier !== "ready" && choice === "m2fp") trigger("input"); // the photo on show waits for it
}

// What parses photos on the device is fetched when it is chosen, and let go when something else is.
async function useDevice(chosen) {
  document.documentElement.toggleAttribute("data-device", chosen); // from now on, the page sends no photo
  endDevice?.();
  endDevice = null;
  if (!chosen) return;
  let percent = -1;
  const tell = (device) => {
    const now = Math.floor((100 * device.here) / device.total);
    if (device.phase !== "loading" || now !== percent) props.value = { ...props.value, device }; // the menu is drawn again
    percent = now;
  };
  tell({ phase: "starting" });
  try {
    const { start } = await import(new URL(props.device_folder + "page.js", document.baseURI));
    if (props.value.choice === "device" && !endDevice) endDevice = start(window.parsingViewer, tell);
  } catch {
    tell({ phase: "failed" });
  }
}

element.addEventListener("change", ({ target }) => {
  const { choice } = props.value;
  props.value = { ...props.value, ...(target.name === "faster" ? { faster: target.checked } : { choice: target.value }) };
  if ([choice, props.value.choice].includes("device")) useDevice(props.value.choice === "device");
  if (props.value.choice === "device") return;
  trigger("input");
  ask(props.value.choice !== "lite");
});
element.addEventListener("click", ({ target }) => {
  if (target.closest("button")) ask(true);
});
ask(false);
