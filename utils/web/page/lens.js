// Pictures brought into the network's view, as dataset/lens_warp.py and dataset/square_crop.py do, grey
// level by grey level. Pixels have their centres at integers.

/** Steps of OpenCV's map in a pixel. */
const STEPS = 32;
/** Sums are rounded as OpenCV's are: halves are frequent, and turn on it. */
const float = Math.fround;
/** No lens is asked for directions further off its axis, radians. */
const MOST = (100 * Math.PI) / 180;

/** Half of the pixels each way of an RGBA picture, each the mean of four. */
function halved({ data, width, height }) {
  const w = width >> 1;
  const h = height >> 1;
  const out = new Uint8ClampedArray(4 * w * h);
  for (let y = 0, to = 0; y < h; y++) {
    for (let x = 0, a = 8 * y * width, b = a + 4 * width; x < w; x++, a += 8, b += 8, to += 4) {
      for (let c = 0; c < 3; c++) {
        out[to + c] = (data[a + c] + data[a + c + 4] + data[b + c] + data[b + c + 4] + 2) >> 2;
      }
    }
  }
  return { data: out, width: w, height: h };
}

/** For each pixel of a row of `size`, the first pixel of a row of `side` and the weights that make
 *  it: shares of its area where the row shrinks, a cubic (a = -0.75) where it grows. */
function taps(side, size) {
  const scale = side / size;
  return Array.from({ length: size }, (_, k) => {
    const weights = [];
    if (scale >= 1) {
      const [from, to] = [k * scale, Math.min((k + 1) * scale, side)];
      const first = Math.floor(from + 1e-9);
      for (let x = first; x < to - 1e-9; x++) {
        weights.push(float((Math.min(x + 1, to) - Math.max(x, from)) / Math.min(scale, side - from)));
      }
      return { first, weights };
    }
    const place = (k + 0.5) * scale - 0.5;
    const first = Math.floor(place) - 1;
    for (let x = first; x < first + 4; x++) {
      const d = Math.abs(place - x);
      weights.push(d < 1 ? (1.25 * d - 2.25) * d * d + 1 : ((-0.75 * d + 3.75) * d - 6) * d + 3);
    }
    return { first, weights };
  });
}

/** The largest centred square of a picture, `size` pixels a side. */
export class Crop {
  constructor(size, width, height) {
    const side = Math.min(width, height);
    Object.assign(this, { size, side, taps: taps(side, size), outOfRange: "" });
    this.left = Math.floor((width - side) / 2);
    this.top = Math.floor((height - side) / 2);
    this.edge = Infinity;
  }

  /** RGBA picture → (S, S, 3) bytes. */
  image({ data, width }) {
    const { size, side, left, top } = this;
    const rows = new Float32Array(3 * size * side);
    const inside = (k) => Math.min(Math.max(k, 0), side - 1);
    for (let y = 0, to = 0; y < side; y++) {
      const row = 4 * ((top + y) * width + left);
      for (const { first, weights } of this.taps) {
        let [r, g, b] = [0, 0, 0];
        for (let k = 0; k < weights.length; k++) {
          const from = row + 4 * inside(first + k);
          r = float(r + float(weights[k] * data[from]));
          g = float(g + float(weights[k] * data[from + 1]));
          b = float(b + float(weights[k] * data[from + 2]));
        }
        rows[to++] = r;
        rows[to++] = g;
        rows[to++] = b;
      }
    }
    const out = new Uint8ClampedArray(3 * size * size);
    this.taps.forEach(({ first, weights }, y) => {
      for (let x = 0; x < 3 * size; x++) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) {
          sum = float(sum + float(weights[k] * rows[3 * size * inside(first + k) + x]));
        }
        // Of four pixels halves are rounded up; else to even, as the array does.
        out[3 * size * y + x] = side === 2 * size ? Math.floor(sum + 0.5) : sum;
      }
    });
    return out;
  }

  /** Pixel of the view → pixel of the picture. */
  back([x, y]) {
    const scale = this.side / this.size;
    return [(x + 0.5) * scale - 0.5 + this.left, (y + 0.5) * scale - 0.5 + this.top];
  }
}

/** A view whose pixels show `places` (S·S·2) of pictures of a size, NaN where nothing; `wide` are
 *  those of the wide grid. Angles are the view's pixels' from its axis. */
export class Warp {
  constructor(view, places, wide, width, height, angles) {
    Object.assign(this, { view, wide, outOfRange: "" });
    const size = (this.size = view.size);
    this.edge = Math.PI / 2;
    const seen = (k) => places[2 * k] === places[2 * k];
    for (let k = 0; k < size * size; k++) {
      if (!seen(k) && angles[k] < this.edge) this.edge = angles[k];
    }
    const steps = [];
    const distance = (a, b) =>
      Math.hypot(places[2 * a] - places[2 * b], places[2 * a + 1] - places[2 * b + 1]);
    for (let y = 0; y < size - 1; y++) {
      for (let k = size * y; k < size * y + size - 1; k++) {
        const step = Math.sqrt(distance(k, k + 1) * distance(k, k + size));
        if (step === step && seen(k + size + 1)) steps.push(step);
      }
    }
    steps.sort((a, b) => a - b);
    const coarsest = Math.max(1, steps[Math.floor(0.05 * (steps.length - 1))] || 1);
    this.halvings = Math.round(Math.log2(coarsest));
    const factor = 2 ** this.halvings;
    Object.assign(this, { width: Math.floor(width / factor), height: Math.floor(height / factor) });
    const last = [this.width - 1, this.height - 1];
    this.map = new Int32Array(places.length).fill(-1);
    for (let k = 0; k < places.length; k++) {
      if (places[k] !== places[k]) continue;
      const small = (places[k] + 0.5) / factor - 0.5;
      this.map[k] = Math.round(STEPS * Math.min(Math.max(small, 0), last[k % 2]));
    }
  }

  /** RGBA picture → (S, S, 3) bytes, black where nothing is seen. */
  image(picture) {
    for (let k = 0; k < this.halvings; k++) picture = halved(picture);
    const { data, width } = picture;
    const out = new Uint8ClampedArray((3 * this.map.length) / 2);
    for (let k = 0, to = 0; k < this.map.length; k += 2, to += 3) {
      if (this.map[k] < 0) continue;
      const [x, y] = [this.map[k] >> 5, this.map[k + 1] >> 5];
      const [right, down] = [this.map[k] % STEPS, this.map[k + 1] % STEPS];
      const from = 4 * (y * width + x);
      // The last pixels have no neighbours, and need none.
      const across = right && 4;
      const below = down && 4 * width;
      for (let c = from, end = from + 3, place = to; c < end; c++, place++) {
        const upper = (STEPS - right) * data[c] + right * data[c + across];
        const lower = (STEPS - right) * data[c + below] + right * data[c + below + across];
        out[place] = ((STEPS - down) * upper + down * lower + 512) >> 10;
      }
    }
    return out;
  }

  /** Pixel of the view → pixel of the picture, between the points of the wide grid. */
  back([x, y]) {
    const { size, step } = this.view;
    const count = Math.sqrt(this.wide.length / 2);
    const cell = (value) => {
      const place = Math.min(Math.max((value + Math.floor(size / 2)) / step, 0), count - 1);
      const first = Math.min(Math.floor(place), count - 2);
      return [first, place - first];
    };
    const [column, right] = cell(x);
    const [row, down] = cell(y);
    return [0, 1].map((axis) => {
      const at = (i, j) => this.wide[2 * ((row + i) * count + column + j) + axis];
      const upper = (1 - right) * at(0, 0) + right * at(0, 1);
      return (1 - down) * upper + down * ((1 - right) * at(1, 0) + right * at(1, 1));
    });
  }
}

/** Places of a headset's file, for pictures of its size, in pictures of another. */
export function scaled(places, [fromWidth, fromHeight], width, height) {
  const scale = [width / fromWidth, height / fromHeight];
  return places.map((place, k) => (place + 0.5) * scale[k % 2] - 0.5);
}

/** Where an equidistant lens sees rays (…·3) of the view: (…·2) pixels of a picture, NaN beyond its
 *  rim and the picture's, or with `clamp` anywhere. Angles in degrees, `rotate` as of a headset. */
export function fisheyePlaces(rays, { x, y, radius, fov, rotate }, width, height, clamp) {
  const rim = Math.min((fov * Math.PI) / 360, MOST);
  const focal = radius / ((fov * Math.PI) / 360);
  const [cos, sin] = [Math.cos, Math.sin].map((f) => f((rotate * Math.PI) / 180));
  const places = new Float64Array((2 * rays.length) / 3).fill(NaN);
  for (let k = 0; k < rays.length / 3; k++) {
    const [a, b, c] = rays.subarray(3 * k, 3 * k + 3);
    const [right, down] = [cos * a + sin * b, cos * b - sin * a];
    const across = Math.hypot(right, down);
    const angle = Math.atan2(across, c);
    const reach = (focal * Math.min(angle, MOST)) / Math.max(across, 1e-12);
    const [u, v] = [x + reach * right, y + reach * down];
    const inside = u >= -0.5 && u < width - 0.5 && v >= -0.5 && v < height - 0.5;
    if (clamp || (angle < rim && inside)) places.set([u, v], 2 * k);
  }
  return places;
}

/** The bright disc of a lens on a dark sensor: its rim, where lit rows and columns end; without one
 *  the circle inscribed in the picture. */
export function findCircle({ data, width, height }) {
  const light = (x, y) => Math.max(...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 3));
  const corners = [0, width - 1].flatMap((x) => [light(x, 0), light(x, height - 1)]);
  const least = Math.max(...corners) + 14;
  const inscribed = { x: (width - 1) / 2, y: (height - 1) / 2, radius: Math.min(width, height) / 2 };
  if (least > 74) return inscribed;
  const stride = Math.max(1, Math.floor(Math.min(width, height) / 256));
  const [columns, rows] = [new Map(), new Map()];
  for (let y = 0; y < height; y += stride) {
    for (let x = 0; x < width; x += stride) {
      if (light(x, y) <= least) continue;
      columns.set(x, (columns.get(x) ?? 0) + 1);
      rows.set(y, (rows.get(y) ?? 0) + 1);
    }
  }
  const ends = (counts, length) => {
    const lit = [...counts].filter(([, count]) => count > 3).map(([place]) => place);
    const [low, high] = [Math.min(...lit), Math.max(...lit)];
    return { low: low > 2 * stride && low, high: high < length - 1 - 2 * stride && high };
  };
  const [across, down] = [ends(columns, width), ends(rows, height)];
  const whole = [across, down].filter(({ low, high }) => low !== false && high !== false);
  if (!whole.length) return inscribed;
  const radius = Math.max(...whole.map(({ low, high }) => (high - low + stride) / 2));
  const centre = ({ low, high }, length) => {
    if (low !== false && high !== false) return (low + high) / 2;
    if (low !== false) return low + radius;
    return high === false ? (length - 1) / 2 : high - radius;
  };
  const tenth = (value) => Math.round(10 * value) / 10;
  return { x: tenth(centre(across, width)), y: tenth(centre(down, height)), radius: tenth(radius) };
}
