// The views of a snapshot, where its run has them: whole numbers, to be scaled into the units of the data.

/** @param {any} data of a snapshot, and what of it the generator makes of a line or a grid of random numbers */
export const manifoldOf = ({ manifold }) =>
	manifold ? { ...pointsOf(manifold.points.flat(), manifold), columns: manifold.points[0].length } : null;

/** @param {any} data of a snapshot, and what of it pulls the generator */
export const pullOf = ({ gradient }) => (gradient ? pointsOf(gradient.vectors, gradient) : null);

/** @type {(rows: (number | null)[][], units: {scale: number[], offset?: number[]}) => Points} */
function pointsOf(rows, { scale, offset = [] }) {
	const values = rows.flatMap((row) => row.map((one, k) => (one ?? NaN) * scale[k] + (offset[k] ?? 0)));
	return { count: rows.length, dimensions: scale.length, values: Float64Array.from(values) };
}
