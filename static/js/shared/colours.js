// The colours of the pictures, from the style sheet: they follow the light and dark schemes; paper is always light.

const CAUSES = ["(prefers-color-scheme: dark)", "print"].map((query) => matchMedia(query));

/** @type {Map<string, string>} */
const known = new Map();

/** @type {(name: string) => string} colour of a custom property */
export function colour(name) {
	const found = known.get(name) ?? getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
	known.set(name, found);
	return found;
}

/** Red, green and blue 0 … 255 of a colour of the form #rrggbb. @param {string} name */
export function rgb(name) {
	const value = parseInt(colour(name).slice(1), 16);
	return [value >> 16, (value >> 8) & 255, value & 255];
}

/** Call back when the colours have changed. @param {() => void} onChange */
export function followColours(onChange) {
	for (const cause of CAUSES) {
		cause.addEventListener("change", () => {
			known.clear();
			onChange();
		});
	}
}
