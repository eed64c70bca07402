// Runs once when the part list is drawn. Ticking only rewrites the list of ticked names in the value and says "input"; the
// server answers with a new picture. The boxes of parts carry a name, those of groups say data-group.
const boxes = () => [...element.querySelectorAll("input[name]")];
const groupOf = Object.fromEntries(props.table.map((part) => [part.name, part.group]));

function showState() {
  const ticked = new Set(props.value.ticked);
  boxes().forEach((box) => (box.checked = ticked.has(box.name)));
  element.querySelectorAll("[data-group]").forEach((box) => {
    const members = boxes().filter((part) => groupOf[part.name] === box.dataset.group);
    const count = members.filter((part) => part.checked).length;
    box.checked = count === members.length;
    box.indeterminate = count > 0 && count < members.length;
  });
}

function choose(isTicked) {
  const ticked = boxes().filter(isTicked).map((box) => box.name);
  props.value = { ...props.value, ticked };
  showState();
  trigger("input");
}

element.addEventListener("change", ({ target }) => {
  const group = target.dataset.group;
  choose((box) => (group && groupOf[box.name] === group ? target.checked : box.checked));
});
element.addEventListener("click", ({ target }) => {
  const bulk = target.closest("[data-tick]");
  if (bulk) choose(() => bulk.dataset.tick === "all");
});
function nameLanguage() {
  document.documentElement.lang = props.label.match(/language=([^|]*)/)[1]; // for screen readers and the choice of Han glyphs
}
watch(["value", "label"], showState);
watch("label", nameLanguage);
showState();
nameLanguage();
