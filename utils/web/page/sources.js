// Pictures, videos and cameras as what gives frames.

const AS_STORED = { colorSpaceConversion: "none", premultiplyAlpha: "none" };

/** A picture file; `frame` is an ImageBitmap of its pixels as they are stored. */
const picture = (file) => ({
  moves: false,
  name: file.name,
  frame: () => createImageBitmap(file, AS_STORED),
  close() {},
});

/** A video file or a camera in a video element, which calls `onFrame` for each frame it shows. */
class Video {
  moves = true;

  constructor(video, name, live) {
    Object.assign(this, { video, name, live, number: 0 });
  }

  watch(onFrame) {
    const next = (_, { mediaTime, presentedFrames }) => {
      if (this.closed) return;
      this.time = mediaTime;
      this.number = presentedFrames;
      onFrame();
      this.video.requestVideoFrameCallback(next);
    };
    this.video.requestVideoFrameCallback(next);
    this.video.play().catch(() => {});
  }

  async frame() {
    return createImageBitmap(this.video, AS_STORED);
  }

  close() {
    this.closed = true;
    this.video.pause();
    this.video.srcObject?.getTracks().forEach((track) => track.stop());
    if (this.video.src) URL.revokeObjectURL(this.video.src);
  }
}

async function playable(video, name) {
  video.muted = video.playsInline = true;
  await new Promise((resolve, reject) => {
    video.onloadeddata = resolve;
    video.onerror = () => reject(new Error(`${name}: neither a picture nor a video that this browser can read.`));
  });
  return video;
}

/** What a file holds; an Error with one clear line for one that is neither picture nor video. */
export async function openFile(file) {
  try {
    (await createImageBitmap(file)).close();
    return picture(file);
  } catch {
    const video = Object.assign(document.createElement("video"), { loop: true });
    video.src = URL.createObjectURL(file);
    return new Video(await playable(video, file.name), file.name, false);
  }
}

/** The camera of the visitor's choice; an Error with one clear line where there is none. */
export async function openCamera() {
  if (!navigator.mediaDevices) {
    throw new Error("A camera needs a page from localhost or by https.");
  }
  try {
    const wanted = { width: { ideal: 1280 }, height: { ideal: 800 }, facingMode: "environment" };
    const stream = await navigator.mediaDevices.getUserMedia({ video: wanted });
    const video = Object.assign(document.createElement("video"), { srcObject: stream });
    return new Video(await playable(video, "camera"), "camera", true);
  } catch (error) {
    throw new Error(`The camera gives no pictures: ${error.message}`);
  }
}
