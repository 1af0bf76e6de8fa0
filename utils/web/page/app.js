// The page: what a visitor chooses, frames to the worker, poses from it.

import { drawCircle, drawOverlay } from "./overlay.js";
import { openCamera, openFile } from "./sources.js";

const at = (id) => document.getElementById(id);
const CIRCLE = ["x", "y", "radius"];
const ROUNDED = { uncertainty: 5, joints3d: 5, joints2d: 2, confidence: 4, neck: 5, residual: 2 };

const state = { source: null, busy: false, again: false, latest: null, moments: [] };
let worker, site, view;

function say(text) {
  at("message").textContent = text;
  at("message").hidden = !text;
}

/** Say what is wrong, and show no pose: the last one is not of what was chosen. */
function fail(error) {
  say(error.message);
  state.latest?.bitmap.close();
  state.latest = null;
  at("save").disabled = true;
  at("status").textContent = "";
  at("overlay").width = at("overlay").height = 0;
  view?.hide();
}

/** Ask the worker; an Error with what it says of a fault. */
function ask(question, transferred = []) {
  const id = (state.id = (state.id ?? 0) + 1);
  return new Promise((resolve, reject) => {
    const listen = ({ data }) => {
      if (data.id !== id) return;
      worker.removeEventListener("message", listen);
      if (data.fault) reject(new Error(data.fault));
      else resolve(data.answer);
    };
    worker.addEventListener("message", listen);
    worker.postMessage({ id, ...question }, transferred);
  });
}

function chosenLens() {
  if (at("headset").value !== "fisheye") return { headset: Number(at("headset").value) };
  const values = CIRCLE.map((key) => [key, at(`circle-${key}`).valueAsNumber]);
  const fov = Math.min(Math.max(at("fov").valueAsNumber || 180, 20), 300);
  return { fisheye: { fov, rotate: Number(at("rotate").value), ...Object.fromEntries(values) } };
}

/** Find the pose of the source's newest frame; frames that come meanwhile are left out. */
async function update() {
  if (!state.source || !site) return;
  if (state.busy) {
    state.again = true;
    return;
  }
  state.busy = true;
  const source = state.source;
  try {
    const about = { file: source.name };
    if (source.moves) Object.assign(about, { frame: source.number, time: source.time });
    const bitmap = await source.frame();
    const answer = await ask({ bitmap, chosen: chosenLens() }, [bitmap]);
    if (source === state.source) present({ ...answer, about, source });
    else answer.bitmap.close();
  } catch (error) {
    if (source === state.source) fail(error);
  }
  state.busy = false;
  if (state.again) {
    state.again = false;
    update();
  }
}

/** Show a pose when the browser draws next, so that the worker has its next frame before. */
function present(latest) {
  if (!state.next) requestAnimationFrame(() => show(state.next));
  else state.next.bitmap.close();
  state.next = latest;
}

function show(latest) {
  state.next = null;
  const { pose, chosen, ms, bitmap, outOfRange, source } = latest;
  if (source !== state.source) {
    bitmap.close(); // another one was opened meanwhile
    return;
  }
  state.latest?.bitmap.close();
  state.latest = latest;
  say("");
  at("save").disabled = false;
  drawOverlay(at("overlay"), bitmap, pose, site.skeleton);
  if (chosen.fisheye) {
    for (const key of CIRCLE) at(`circle-${key}`).value ||= chosen.fisheye[key];
    drawCircle(at("overlay"), chosen.fisheye, bitmap.width);
  }
  view?.show(pose);
  const now = performance.now();
  state.moments = [...state.moments.filter((moment) => now - moment < 2000), now];
  const span = now - state.moments[0];
  const words = [`${pose.size.join("×")}`, `${ms.toFixed(0)} ms a frame`];
  if (source.moves && span) {
    words.push(`${((1000 * (state.moments.length - 1)) / span).toFixed(1)} frames/s`);
  }
  if (pose.out_of_range) words.push(`unlike what the model was trained on: ${outOfRange || "do not trust it"}`);
  at("status").textContent = words.join(" · ");
  if (source.moves && !source.live) at("seek").value = source.video.currentTime;
  document.documentElement.dataset.frames = Number(document.documentElement.dataset.frames ?? 0) + 1;
}

/** The shown pose, with the keys of poses.json (doc/inference.md). */
function poseFile() {
  const { pose, chosen, outOfRange, about } = state.latest;
  const rounded = (value, digits) =>
    Array.isArray(value) ? value.map((each) => rounded(each, digits)) : Number(value.toFixed(digits));
  const entry = { ...about, ...pose };
  for (const [key, digits] of Object.entries(ROUNDED)) entry[key] = rounded(pose[key], digits);
  const headset = chosen.fisheye ? null : site.headsets[chosen.headset];
  const turn = ((headset ? 0 : chosen.fisheye.rotate) * Math.PI) / 180;
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const lens = {
    size: pose.size,
    lens: headset ? `headset ${headset.name}` : `no calibration: equidistant, ${JSON.stringify(chosen.fisheye)}`,
    assumed: !headset,
    rotate: headset ? headset.rotate : chosen.fisheye.rotate,
    orientation: "as stated",
    rotation_to_camera: headset?.rotation ?? [[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]],
    out_of_range: outOfRange,
  };
  return { ...site.header, frames: [entry], lenses: [lens], unreadable: [], left_out: [] };
}

async function take(opening) {
  const turn = (state.turn = (state.turn ?? 0) + 1);
  state.source?.close();
  state.source = null;
  at("player").hidden = at("hint").hidden = true;
  say("");
  try {
    const source = await opening;
    if (turn !== state.turn) {
      source.close(); // another one was chosen meanwhile
      return;
    }
    state.source = source;
    state.moments = [];
    forgetCircle();
    if (view) view.floor = undefined;
    at("hint").textContent = source.name;
    at("hint").hidden = source.moves && !source.live;
    at("player").hidden = !source.moves || source.live;
    at("seek").max = source.live ? 1 : source.video?.duration || 1;
    if (source.moves) source.watch(update);
    else update();
    if (source.moves) at("play").textContent = "Pause";
  } catch (error) {
    if (turn === state.turn) fail(error);
  }
}

function forgetCircle() {
  for (const key of CIRCLE) at(`circle-${key}`).value = "";
}

async function sample() {
  const blob = await (await fetch("sample.webp")).blob();
  at("headset").value = String(Math.max(0, site.headsets.findIndex(({ name }) => name === "xr-egopose")));
  at("headset").onchange();
  return openFile(new File([blob], "Sample: a rendered picture, no photograph", { type: blob.type }));
}

function togglePlay() {
  const { video } = state.source;
  if (video.paused) video.play();
  else video.pause();
  at("play").textContent = video.paused ? "Play" : "Pause";
}

function listen() {
  at("file").onchange = () => at("file").files[0] && take(openFile(at("file").files[0]));
  at("camera").onclick = () => take(openCamera());
  at("sample").onclick = () => take(sample());
  at("headset").onchange = () => {
    at("lens").hidden = at("headset").value !== "fisheye";
    update();
  };
  for (const id of ["fov", "rotate", ...CIRCLE.map((key) => `circle-${key}`)]) at(id).onchange = update;
  at("find").onclick = () => {
    forgetCircle();
    update();
  };
  at("save").onclick = () => {
    const blob = new Blob([JSON.stringify(poseFile(), null, 1)], { type: "application/json" });
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob) });
    link.download = "poses.json";
    link.click();
    URL.revokeObjectURL(link.href);
  };
  at("reset").onclick = () => view?.reset();
  at("play").onclick = togglePlay;
  at("seek").oninput = () => (state.source.video.currentTime = at("seek").valueAsNumber);
  addEventListener("dragleave", () => at("picture").classList.remove("over"));
  for (const name of ["dragover", "drop"]) {
    addEventListener(name, (event) => {
      event.preventDefault();
      at("picture").classList.toggle("over", name === "dragover");
    });
  }
  addEventListener("drop", (event) => {
    if (event.dataTransfer.files[0]) take(openFile(event.dataTransfer.files[0]));
  });
}

async function start() {
  listen();
  worker = new Worker("worker.js", { type: "module" });
  worker.onerror = ({ message = "" }) =>
    fail(new Error(`A part of this page cannot be read: write it again. ${message}`));
  site = await ask({});
  const names = site.headsets.map(({ name }, k) => new Option(name, k));
  at("headset").replaceChildren(...names, new Option("another fisheye …", "fisheye"));
  try {
    const { View3d } = await import("./view3d.js");
    view = new View3d(at("view"), site.skeleton);
  } catch (error) {
    say(`No view in space: ${error.message}`);
  }
  at("status").textContent = `Model: ${site.header.model}`;
  await take(sample());
}

start().catch(fail);
/** For tests. */
window.page = { poseFile, state };
