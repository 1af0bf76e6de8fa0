// The network and all that is computed for a frame, beside the page so that it stays responsive.

import * as ort from "./vendor/ort.wasm.min.mjs";
import { decodePose } from "./decode.js";
import { Crop, Warp, findCircle, fisheyePlaces, scaled } from "./lens.js";

let session, site, rays, wideRays, angles;
const lenses = new Map();

async function floats(name) {
  const answer = await fetch(name);
  if (!answer.ok) throw new Error(`${name} is missing: write the page again`);
  return new Float32Array(await answer.arrayBuffer());
}

function parts(array, width) {
  const inView = width * site.view.size ** 2;
  return [array.subarray(0, inView), array.subarray(inView)];
}

async function load() {
  // Threads would need headers that a plain server does not send.
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  ort.env.wasm.wasmPaths = new URL("./vendor/", import.meta.url).href;
  site = await (await fetch("site.json")).json();
  const everywhere = await floats("view.bin");
  [rays, wideRays] = parts(everywhere, 3);
  angles = Float64Array.from({ length: site.view.size ** 2 }, (_, k) => {
    const [x, y, z] = rays.subarray(3 * k, 3 * k + 3);
    return x === x ? Math.atan2(Math.hypot(x, y), z) : Math.PI;
  });
  session = await ort.InferenceSession.create("model.onnx");
  return site;
}

async function run(square) {
  const { size } = site.view;
  return session.run({ images: new ort.Tensor("uint8", square, [1, size, size, 3]) });
}

/** The lens of pictures of a size: of a headset, by its number, or a fisheye, see fisheyePlaces. */
async function lensFor(chosen, width, height) {
  const key = JSON.stringify([chosen, width, height]);
  if (lenses.has(key)) return lenses.get(key);
  let lens;
  if (chosen.fisheye) {
    const places = [rays, wideRays].map((each, wide) =>
      fisheyePlaces(each, chosen.fisheye, width, height, wide === 1),
    );
    lens = new Warp(site.view, ...places, width, height, angles);
    lens.outOfRange = site.fisheye.out_of_range;
    if (lens.edge < site.range.edge) {
      const edge = Math.round((lens.edge * 180) / Math.PI);
      lens.outOfRange ||= `nothing is seen beyond ${edge}° from straight down to one side`;
    }
  } else {
    const headset = site.headsets[chosen.headset];
    const fits = Math.abs(width / height / (headset.size[0] / headset.size[1]) - 1) < 0.005;
    if (!fits && (headset.file || width !== height)) {
      const size = headset.size.join("×");
      const choice = "choose another one, or “another fisheye”";
      throw new Error(`A picture of ${width}×${height} is not of ${headset.name} (${size}): ${choice}.`);
    }
    if (headset.file) {
      const places = parts(await floats(headset.file), 2);
      const sized = places.map((each) => scaled(each, headset.size, width, height));
      lens = new Warp(site.view, ...sized, width, height, angles);
    } else {
      lens = new Crop(site.view.size, width, height);
    }
    lens.outOfRange = headset.out_of_range;
  }
  if (lenses.size > 8) lenses.clear();
  lenses.set(key, lens);
  return lens;
}

let canvas;
function pixelsOf(bitmap) {
  canvas ??= new OffscreenCanvas(bitmap.width, bitmap.height);
  if (canvas.width !== bitmap.width) canvas.width = bitmap.width;
  if (canvas.height !== bitmap.height) canvas.height = bitmap.height;
  const context = canvas.getContext("2d", { willReadFrequently: true, alpha: false });
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height);
}

async function frame({ bitmap, chosen }) {
  const start = performance.now();
  const pixels = pixelsOf(bitmap);
  if (chosen.fisheye) {
    const stated = ([key, value]) => (key === "radius" ? value > 0 : Number.isFinite(value));
    const known = Object.fromEntries(Object.entries(chosen.fisheye).filter(stated));
    const missing = !["x", "y", "radius"].every((key) => key in known);
    chosen = { fisheye: { ...(missing && findCircle(pixels)), ...known } };
  }
  const lens = await lensFor(chosen, bitmap.width, bitmap.height);
  const square = lens.image(pixels);
  const output = await run(new Uint8Array(square.buffer));
  const pose = { size: [bitmap.width, bitmap.height], ...decodePose(output, lens, site) };
  const ms = performance.now() - start;
  return { pose, chosen, ms, bitmap, outOfRange: lens.outOfRange };
}

onmessage = async ({ data }) => {
  try {
    const answer = data.bitmap ? await frame(data) : await load();
    postMessage({ id: data.id, answer }, answer.bitmap ? [answer.bitmap] : []);
  } catch (error) {
    postMessage({ id: data.id, fault: error.message ?? String(error) });
  }
};
