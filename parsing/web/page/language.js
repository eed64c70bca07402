// The page's language, and names for the examples' pictures: what Gradio leaves to do in the whole page. Gradio chooses the language when
// it starts; its own module can change it later. Runs before all other modules.
import { preference, remember } from "../viewer/preferences.js";

/** @param {string} language */
async function speak(language) {
  const core = performance.getEntriesByType("resource").find(({ name }) => /core-[^/]+[.]js$/.test(name));
  if (core) (await import(core.name)).changeLocale(language);
}

/** @param {Event} event */
const elementOf = (event) => /** @type {HTMLElement} */ (event.target);

if (preference("model") === "device") document.documentElement.toggleAttribute("data-device", true); // no photo may be sent

const LANGUAGES = ["en", "zh-CN"];
const wanted = preference("language") ?? "";
// It knows Chinese as zh-CN and zh-TW, and gives every other Chinese browser English.
if (LANGUAGES.includes(wanted)) speak(wanted);
else if (navigator.language.startsWith("zh") && !["zh-CN", "zh-TW"].includes(navigator.language)) speak("zh-CN");
document.addEventListener("click", (event) => {
  const button = /** @type {HTMLElement | null} */ (elementOf(event).closest("[data-language]"));
  if (!button?.dataset.language) return;
  remember("language", button.dataset.language);
  speak(button.dataset.language);
});

// Gradio leaves the examples' pictures without a text; a screen reader then says the file's name.
/** @param {HTMLImageElement} image */
const nameExample = (image) => {
  image.alt = (image.src.match(/([^/]+)[.][a-z]+$/)?.[1] ?? "").replaceAll("-", " ");
};
document.addEventListener(
  "load",
  (event) => {
    const target = elementOf(event);
    if (target instanceof HTMLImageElement && target.matches("#examples img")) nameExample(target);
  },
  true,
);
for (const image of document.querySelectorAll("#examples img")) nameExample(/** @type {HTMLImageElement} */ (image));
