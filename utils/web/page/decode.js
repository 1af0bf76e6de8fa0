// What the network found of a picture as a pose, as utils/inference/predictor.py makes it.

/** An entry of poses.json (doc/inference.md) but for the file's name: `output` are the tensors of
 *  the network by name, `lens` a Crop or Warp, the rest the content of site.json. */
export function decodePose(output, lens, { view, skeleton, disagreement, range }) {
  const { neck, heatmaps } = skeleton;
  const [places, found, placed] = ["camera3d", "joints2d", "placed"].map((name) => {
    const { data, dims } = output[name];
    return Array.from({ length: dims[1] }, (_, k) => [...data.subarray(dims[2] * k, dims[2] * (k + 1))]);
  });
  const [uncertainty, confidence] = [[...output.uncertainty.data], [...output.confidence.data]];
  const [joints2d, expected] = [found, placed].map((points) => points.map((p) => lens.back(p)));
  const mean = (one, other) => {
    const weights = heatmaps.map((joint) => Math.max(confidence[joint], 1e-6));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const distance = (k) => Math.hypot(one[k][0] - other[k][0], one[k][1] - other[k][1]);
    return heatmaps.reduce((sum, k, row) => sum + weights[row] * distance(k), 0) / total;
  };
  const disagrees = mean(found, placed) / view.size > disagreement;
  const trunk = range.trunk.reduce((sum, joint) => sum + Math.log(uncertainty[joint]), 0);
  const outside =
    places[neck].some((value, k) => value < range.neck[0][k] || value > range.neck[1][k]) ||
    Math.exp(trunk / range.trunk.length) > range.uncertainty;
  return {
    uncertainty,
    joints3d: places.map((place) => place.map((value, k) => value - places[neck][k])),
    joints2d,
    confidence,
    neck: places[neck],
    residual: mean(joints2d, expected),
    disagrees,
    out_of_range: Boolean(lens.outOfRange) || disagrees || outside,
  };
}
