// The pose in space: metres, y up, the wearer faces the visitor.

import * as THREE from "three";
import { OrbitControls } from "./vendor/OrbitControls.js";

const [BONE, JOINT, FAINTEST] = [0.014, 0.026, 0.15];
const LINE = "#a9b5bf"; // seen on a bright and on a dark page
const UP = new THREE.Vector3(0, 1, 0);

/** The camera's axes (x left, y forward, z down) as three.js's. */
const turned = ([x, y, z]) => new THREE.Vector3(x, -z, y);

export class View3d {
  constructor(canvas, { bones, sides, bone_sides, shades }) {
    this.renderer = new THREE.WebGLRenderer({ canvas, antialias: true, alpha: true });
    this.scene = new THREE.Scene();
    this.camera = new THREE.PerspectiveCamera(38, 1, 0.05, 50);
    this.scene.add(new THREE.HemisphereLight(0xffffff, 0x8899aa, 2.2));
    const sun = new THREE.DirectionalLight(0xffffff, 1.6);
    sun.position.set(1, 3, 2);
    this.scene.add(sun);
    const mesh = (geometry, side) => {
      const material = new THREE.MeshStandardMaterial({ color: shades[side], roughness: 0.55 });
      material.transparent = true;
      const made = new THREE.Mesh(geometry, material);
      this.body.add(made);
      return made;
    };
    this.body = new THREE.Group();
    this.scene.add(this.body);
    const [ball, rod] = [
      new THREE.SphereGeometry(JOINT, 20, 14),
      new THREE.CylinderGeometry(BONE, BONE, 1, 14),
    ];
    this.joints = sides.map((side) => mesh(ball, side));
    this.bones = bones.map((ends, k) => ({ ends, mesh: mesh(rod, bone_sides[k]) }));
    this.body.visible = false;
    this.scene.add(new THREE.GridHelper(4, 16, LINE, LINE));
    this.headset = new THREE.Mesh(
      new THREE.BoxGeometry(0.05, 0.03, 0.03),
      new THREE.MeshStandardMaterial({ color: "#7890a5" }),
    );
    this.body.add(this.headset);
    this.controls = new OrbitControls(this.camera, canvas);
    this.controls.listenToKeyEvents(canvas);
    this.controls.addEventListener("change", () => this.draw());
    new ResizeObserver(() => this.draw()).observe(canvas);
    this.reset();
  }

  /** The first view again, and a floor that forgets earlier poses. */
  reset() {
    this.floor = undefined;
    this.camera.position.set(1.15, 1.35, 2.9);
    this.controls.target.set(0, 0.68, 0);
    this.controls.update();
    this.draw();
  }

  /** Show an entry of poses.json. */
  show(pose) {
    const places = pose.joints3d.map(turned);
    const lowest = Math.min(...places.map((place) => place.y));
    // A floor that follows slowly: feet may leave it.
    this.floor = this.floor === undefined ? lowest : this.floor + 0.1 * (lowest - this.floor);
    this.body.position.set(0, -this.floor, 0);
    this.headset.position.copy(turned(pose.neck.map((value) => -value)));
    const opacity = (joints) =>
      FAINTEST + (1 - FAINTEST) * Math.min(...joints.map((k) => pose.confidence[k]));
    this.joints.forEach((mesh, k) => {
      mesh.position.copy(places[k]);
      mesh.material.opacity = opacity([k]);
    });
    for (const { ends, mesh } of this.bones) {
      const [from, to] = ends.map((k) => places[k]);
      const along = to.clone().sub(from);
      mesh.position.copy(from).addScaledVector(along, 0.5);
      mesh.scale.set(1, along.length(), 1);
      mesh.quaternion.setFromUnitVectors(UP, along.normalize());
      mesh.material.opacity = opacity(ends);
    }
    this.body.visible = true;
    this.draw();
  }

  hide() {
    this.body.visible = false;
    this.draw();
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.renderer.domElement;
    if (!width || !height) return;
    const ratio = Math.min(window.devicePixelRatio, 2);
    if (this.size !== `${width} ${height} ${ratio}`) {
      this.size = `${width} ${height} ${ratio}`;
      this.renderer.setPixelRatio(ratio);
      this.renderer.setSize(width, height, false);
      this.camera.aspect = width / height;
      this.camera.updateProjectionMatrix();
    }
    this.renderer.render(this.scene, this.camera);
  }
}
