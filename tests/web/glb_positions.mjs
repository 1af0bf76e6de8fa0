// Where the nodes of a GLB file are at each keyframe, by three.js:
// node glb_positions.mjs PACKAGES FILE prints {"times": [F], "nodes": {name: [F][3]}}, world frame,
// and of its skinned mesh, if there is one, {"corners": [F][V][3], "faces": [3T]}.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [, , packages, file] = process.argv;
const from = (name) => import(pathToFileURL(`${packages}/three/${name}`));
const { AnimationMixer, Vector3 } = await from("build/three.module.js");
const { GLTFLoader } = await from("examples/jsm/loaders/GLTFLoader.js");

const bytes = readFileSync(file);
const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
const { scene, animations } = await new GLTFLoader().parseAsync(buffer, "");
const tracks = animations.flatMap((clip) => clip.tracks);
const times = [...new Set(tracks.flatMap((track) => [...track.times]))].sort((a, b) => a - b);
const mixer = new AnimationMixer(scene);
for (const clip of animations) mixer.clipAction(clip).play();
const nodes = {};
const corners = [];
let body = {};
for (const time of times.length ? times : [0]) {
  // Not quite the clip's end, where it would begin anew.
  mixer.setTime(Math.min(time, Math.max(0, ...animations.map((clip) => clip.duration)) - 1e-6));
  scene.updateMatrixWorld(true);
  scene.traverse((node) => {
    const place = new Vector3().setFromMatrixPosition(node.matrixWorld).toArray();
    if (node.isSkinnedMesh) {
      const { attributes, index } = node.geometry;
      const moved = Array.from({ length: attributes.position.count }, (_, k) =>
        node.localToWorld(node.getVertexPosition(k, new Vector3())).toArray(),
      );
      corners.push(moved);
      body = { corners, faces: [...index.array] };
    }
    if (node.name) (nodes[node.userData.name ?? node.name] ??= []).push(place);
  });
}
console.log(JSON.stringify({ times, nodes, ...body }));
