// Points as texts. Drawn ones lie on a grid: d12_80*215_0 are its places (12, 80) and (215, 0). Others are p and their
// numbers. Short texts stand in the address; longer ones are kept in the browser, a few of them.

/** The last place of the grid, along each side of the unit square. */
export const GRID = 215;
const LONGEST_IN_ADDRESS = 1500;
const PREFIX = "nobody-points-";
const MOST_KEPT = 8;

/** What an address says of points. @type {(points: number[][], drawn?: boolean) => Values} */
export function addressOf(points, drawn) {
	const rows = drawn ? points.map((point) => point.map((one) => Math.round(one * GRID))) : points;
	const text = `${drawn ? "d" : "p"}${rows.map((row) => row.join("_")).join("*")}`;
	if (text.length <= LONGEST_IN_ADDRESS) return { points: text };
	const kept = Date.now().toString(36); // grows, so that the oldest can go first
	try {
		const names = Object.keys(localStorage).filter((name) => name.startsWith(PREFIX));
		for (const old of names.sort().slice(0, 1 - MOST_KEPT)) localStorage.removeItem(old);
		localStorage.setItem(PREFIX + kept, text);
	} catch {
		// storage is forbidden, or full: they are gone with the page
	}
	return { kept };
}

/** The points of an address, if they are here. @param {Values} values */
export function pointsAt({ points: text = "", kept }) {
	try {
		text ||= localStorage.getItem(PREFIX + kept) ?? "";
	} catch {
		// storage is forbidden
	}
	const drawn = text[0] === "d";
	const points = pointsOf(text.slice(1).replaceAll("*", "\n").replaceAll("_", ";"));
	if (!points || !(drawn || text[0] === "p")) return undefined;
	return { points: drawn ? points.map((point) => point.map((one) => one / GRID)) : points, drawn };
}

/** Read points, one a line, if they are as plain as that; between numbers are ; tabs , or spaces. @param {string} text */
export function pointsOf(text) {
	const lines = text.split(/[\r\n]+/).filter((line) => line.trim());
	const separator = [";", "\t", ","].find((one) => text.includes(one)) ?? /\s+/;
	const points = lines.map((line) => line.trim().split(separator).map(plain));
	const fits = points.every((point) => point.length === points[0].length && point.every(Number.isFinite));
	return points.length && fits ? points : undefined;
}

/** @param {string} text */
const plain = (text) => (/^\s*[-+.\d]+(e[-+]?\d+)?\s*$/i.test(text) ? Number(text) : NaN);
