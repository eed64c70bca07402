// What plays a clip: the browser's own video, or for an animated GIF, which browsers only show as a picture, a player made of their
// decoder. Both have a place in time, may rest, and give the picture of the moment.

/**
 * @typedef {{
 *   width: number, height: number, duration: number, time: number, paused: boolean, ended: boolean, played: boolean, seeking: boolean,
 *   play: () => Promise<void>, pause: () => void, close: () => void,
 *   picture: () => Promise<{ image: CanvasImageSource, free: () => void }>,
 * }} Player sizes in pixels, times in seconds; `played` once it has come to its end, though it may have begun again; `seeking` while
 *   the picture of a new place is not there yet; `free` is called once the picture has been used
 */

/** The player of a file; null where it is a photo, or a damaged one. Fails where the browser cannot play a video. @param {File} file @returns {Promise<Player | null>} */
export async function openPlayer(file) {
  if (file.type.startsWith("video/")) return VideoPlayer.open(file);
  if (file.type === "image/gif" && "ImageDecoder" in window) return GifPlayer.open(file).catch(() => null);
  return null;
}

class VideoPlayer {
  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.video = video;
  }

  /** @param {File} file */
  static async open(file) {
    const video = Object.assign(document.createElement("video"), { playsInline: true, src: URL.createObjectURL(file) });
    const player = new VideoPlayer(video);
    await new Promise((done, fail) => {
      video.onloadeddata = done;
      video.onerror = fail;
    }).catch((error) => {
      player.close();
      throw error;
    });
    if (player.width) return player;
    player.close();
    throw new Error("There is only sound in it.");
  }

  get width() {
    return this.video.videoWidth;
  }

  get height() {
    return this.video.videoHeight;
  }

  get duration() {
    return this.video.duration;
  }

  get time() {
    return this.video.currentTime;
  }

  set time(seconds) {
    this.video.currentTime = seconds;
  }

  get paused() {
    return this.video.paused;
  }

  get ended() {
    return this.video.ended;
  }

  get played() {
    return this.ended;
  }

  get seeking() {
    return this.video.seeking;
  }

  /** With sound where the browser allows it. */
  async play() {
    await this.video.play().catch(() => {
      this.video.muted = true;
      return this.video.play();
    });
  }

  pause() {
    this.video.pause();
  }

  close() {
    this.video.pause();
    URL.revokeObjectURL(this.video.src);
    this.video.removeAttribute("src");
    this.video.load();
  }

  async picture() {
    return { image: this.video, free: () => {} };
  }
}

class GifPlayer {
  /** @param {ImageDecoder} decoder @param {number[]} ends second at which each frame ends @param {number} width @param {number} height */
  constructor(decoder, ends, width, height) {
    this.decoder = decoder;
    this.ends = ends;
    this.width = width;
    this.height = height;
    this.at = 0; // the place at rest
    /** @type {number | null} */
    this.began = null; // when the place was 0, on the browser's clock, while it plays
    this.ended = false; // a GIF begins again
    this.seeking = false;
  }

  /** @param {File} file */
  static async open(file) {
    const decoder = new ImageDecoder({ data: await file.arrayBuffer(), type: file.type });
    await Promise.all([decoder.tracks.ready, decoder.completed]);
    const count = decoder.tracks.selectedTrack?.frameCount ?? 1;
    if (count < 2) return null;
    const ends = [];
    let [end, width, height] = [0, 0, 0];
    for (let frameIndex = 0; frameIndex < count; frameIndex++) {
      const { image } = await decoder.decode({ frameIndex });
      end += (image.duration ?? 100_000) / 1e6;
      ends.push(end);
      [width, height] = [image.displayWidth, image.displayHeight];
      image.close();
    }
    return new GifPlayer(decoder, ends, width, height);
  }

  get duration() {
    return this.ends[this.ends.length - 1];
  }

  /** When the frame of the moment began. */
  get time() {
    return this.ends[this.frame - 1] ?? 0;
  }

  set time(seconds) {
    this.at = Math.min(seconds, this.duration);
    if (this.began !== null) this.began = performance.now() / 1000 - this.at;
  }

  /** Its number. */
  get frame() {
    const place = this.began === null ? this.at : (performance.now() / 1000 - this.began) % this.duration;
    return Math.max(0, this.ends.findIndex((end) => end > place));
  }

  get paused() {
    return this.began === null;
  }

  get played() {
    return this.began !== null && performance.now() / 1000 - this.began >= this.duration;
  }

  async play() {
    this.began = performance.now() / 1000 - this.at;
  }

  pause() {
    this.at = this.time;
    this.began = null;
  }

  close() {
    this.decoder.close();
  }

  async picture() {
    const { image } = await this.decoder.decode({ frameIndex: this.frame });
    return { image, free: () => image.close() };
  }
}
