// @ts-check
/** Languages to choose from, by the names that the visitor's browser has for them. */

const CODES = ["en", "ar", "cs", "da", "de", "el", "es", "fi", "fr", "he", "hi", "hu", "id", "it", "ja", "ko", "nl", "no", "pl", "pt", "ro", "ru", "sv", "th", "tr", "uk", "vi", "zh"];

const names = new Intl.DisplayNames(["en"], { type: "language" });

/** @param {string} code */
export function languageName(code) {
  try {
    return names.of(code) ?? code;
  } catch {
    return code;
  }
}

/** @returns {{value: string, label: string}[]} the first finds it out */
export function languages() {
  const known = CODES.map((value) => ({ value, label: languageName(value) }));
  return [{ value: "auto", label: "Detect it" }, ...known.sort((one, other) => one.label.localeCompare(other.label))];
}
