// The language of a page without a server: the visitor's choice, else the browser's.
import { preference, remember } from "../viewer/preferences.js";

/** What to speak, of these languages. @param {string[]} languages */
export function chooseLanguage(languages) {
  const wanted = preference("language") ?? "";
  if (languages.includes(wanted)) return wanted;
  return navigator.language.startsWith("zh") ? "zh-CN" : "en";
}

/** Speaks another language once its button is pressed, which is remembered. @param {(language: string) => void} speak */
export function listenForLanguage(speak) {
  document.addEventListener("click", (event) => {
    const button = /** @type {HTMLElement | null} */ (/** @type {HTMLElement} */ (event.target).closest("[data-language]"));
    if (!button?.dataset.language) return;
    remember("language", button.dataset.language);
    speak(button.dataset.language);
  });
}
