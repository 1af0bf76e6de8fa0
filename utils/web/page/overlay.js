// The skeleton over the picture, in the language of utils/drawing.

const FAINTEST = 0.2;

/** Draw a picture and its pose into a canvas of at most `most` pixels a side: what is near over what
 *  is far, less certain joints fainter. */
export function drawOverlay(canvas, bitmap, pose, skeleton, most = 1200) {
  const [width, height] = [bitmap.width, bitmap.height];
  const scale = Math.min(1, most / Math.max(width, height));
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d");
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const depth = (joints) => Math.max(...joints.map((k) => pose.joints3d[k][2]));
  const strokes = [
    ...skeleton.bones.map((joints, k) => ({ joints, side: skeleton.bone_sides[k], line: 6 })),
    ...skeleton.sides.map((side, k) => ({ joints: [k], side, line: 12 })),
  ].sort((a, b) => depth(b.joints) - depth(a.joints) || b.joints.length - a.joints.length);
  const unit = Math.max(canvas.width, canvas.height) / 640;
  context.lineCap = "round";
  for (const rim of [true, false]) {
    for (const { joints, side, line } of strokes) {
      const certain = Math.min(...joints.map((k) => pose.confidence[k]));
      context.globalAlpha = FAINTEST + (1 - FAINTEST) * certain;
      context.strokeStyle = rim ? "white" : skeleton.shades[side];
      context.lineWidth = (line + (rim ? 3 : 0)) * unit;
      const [from, to] = [joints[0], joints.at(-1)].map((k) =>
        pose.joints2d[k].map((value) => (value + 0.5) * scale),
      );
      context.beginPath();
      context.moveTo(...from);
      context.lineTo(to[0] + (joints.length === 1 ? 1e-3 : 0), to[1]);
      context.stroke();
    }
  }
  context.globalAlpha = 1;
}

/** Draw the circle of a lens over that picture. */
export function drawCircle(canvas, { x, y, radius }, width) {
  const context = canvas.getContext("2d");
  const scale = canvas.width / width;
  context.setLineDash([10, 8]);
  context.lineWidth = 2;
  context.strokeStyle = "#64b8ff";
  context.beginPath();
  context.arc((x + 0.5) * scale, (y + 0.5) * scale, radius * scale, 0, 2 * Math.PI);
  context.stroke();
  context.setLineDash([]);
}
