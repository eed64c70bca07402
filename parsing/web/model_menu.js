// Runs once when the model menu is drawn. What the server says about M2FP goes into the value, and the template shows it.
const EVERY_MS = 1000;
let timer;

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

element.addEventListener("change", ({ target }) => {
  props.value = { ...props.value, ...(target.name === "faster" ? { faster: target.checked } : { choice: target.value }) };
  trigger("input");
  ask(props.value.choice !== "lite");
});
element.addEventListener("click", ({ target }) => {
  if (target.closest("button")) ask(true);
});
ask(false);
