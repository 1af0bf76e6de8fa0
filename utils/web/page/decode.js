// The network's output as a pose, as model/decode.py and utils/inference/predictor.py make it.

/** Where joints are in heatmaps (J·h·h): the mean of the cells under a window that moves to it,
 *  see model/decode.py; [x, y] pixels of the S×S view. */
export function decodeHeatmaps(maps, side, size, subpixel) {
  const joints = [];
  for (let start = 0; start < maps.length; start += side * side) {
    const map = maps.subarray(start, start + side * side);
    let best = 0;
    for (let k = 1; k < map.length; k++) if (map[k] > map[best]) best = k;
    const weights = Float64Array.from(map, (v) => Math.max(v / Math.max(map[best], 1e-38), 0) ** 5);
    let place = [best % side, Math.floor(best / side)];
    for (let step = 0; step < 5; step++) {
      const [across, down] = place.map((centre) =>
        Float64Array.from({ length: side }, (_, k) => Math.exp(-0.5 * ((k - centre) / 3) ** 2)),
      );
      let [sum, x, y] = [0, 0, 0];
      for (let k = 0; k < weights.length; k++) {
        const [column, row] = [k % side, Math.floor(k / side)];
        const weight = weights[k] * across[column] * down[row];
        sum += weight;
        x += weight * column;
        y += weight * row;
      }
      if (sum > 1e-38) place = [x / sum, y / sum];
    }
    const shift = subpixel ? 0 : 0.5 * size * (1 / side - 1 / 800);
    joints.push(place.map((cell) => (cell + 0.5) * (size / side) - 0.5 - shift));
  }
  return joints;
}

/** Pixel of the view of a point [x, y, z] of its camera, drawn in to the rim of its lens. */
function project([x, y, z], { centre, reach, radii }) {
  const across = Math.hypot(x, y);
  const place = (Math.min(Math.atan2(across, z), reach) / reach) * (radii[0].length - 1);
  const first = Math.min(Math.floor(place), radii[0].length - 2);
  return [x, y].map((value, axis) => {
    const radius = radii[axis][first] + (place - first) * (radii[axis][first + 1] - radii[axis][first]);
    return centre[axis] + (radius * value) / Math.max(across, 1e-12);
  });
}

/** An entry of poses.json (doc/inference.md) but for the file's name: `output` are the tensors of
 *  the network by name, `lens` a Crop or Warp, `site` the content of site.json. */
export function decodePose(output, lens, { view, skeleton, decode, range }) {
  const { neck, head, heatmaps } = skeleton;
  const maps = output.heatmaps;
  const seen = decodeHeatmaps(maps.data, maps.dims[3], view.size, decode.subpixel);
  const places = Array.from({ length: skeleton.joints.length }, (_, joint) =>
    Array.from(output.camera3d.data.subarray(3 * joint, 3 * joint + 3)),
  );
  const uncertainty = Array.from(output.uncertainty.data);
  const confidence = uncertainty.map((radius) => {
    const x = (decode.within * decode.coverage) / radius;
    return 1 - Math.exp(-x) * (1 + x + (x * x) / 2);
  });
  const placed = places.map((place) => project(place, view));
  const found = [...placed];
  heatmaps.forEach((joint, row) => (found[joint] = seen[row]));
  const [joints2d, expected] = [found, placed].map((points) => points.map((p) => lens.back(p)));
  const mean = (one, other) => {
    const weights = heatmaps.map((joint) => Math.max(confidence[joint], 1e-6));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const distance = (k) => Math.hypot(one[k][0] - other[k][0], one[k][1] - other[k][1]);
    return heatmaps.reduce((sum, k, row) => sum + weights[row] * distance(k), 0) / total;
  };
  const disagrees = mean(found, placed) / view.size > decode.disagreement;
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
