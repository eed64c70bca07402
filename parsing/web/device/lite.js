// The embedded model's two looks: parsing/models/lite/lite.py in JavaScript, which says why. The first finds the people in the whole
// photo, the second looks at each of them.
import { findPieces } from "./components.js";
import { aim, distancesTo, findFaces, findPeople } from "./people.js";
import { resizePhoto, roundHalfEven } from "./photo.js";
import { areaTapsOf, linearTapsOf, resample } from "./resample.js";
import { argmax, cropScores, labelMap, meanConfidence, settleGarments, shrinkScores, withOpinion, withPresence } from "./scores.js";

/** @import { Box } from "../viewer/label_map.js" */
/** @import { Spots } from "./people.js" */
/** @import { Photo, Size } from "./photo.js" */
/** @import { Settings } from "./settings.js" */
/** The network's answer, planes of floats, and the logarithm of the probability of each class's presence. @typedef {{ parts: Float32Array, heat: Float32Array, offsets: Float32Array, presence: Float32Array }} Answer */
/** The network's answer to RGB bytes. @typedef {(pixels: Uint8Array, width: number, height: number) => Promise<Answer>} Run */
/** The second network's answer to RGB bytes: the logarithm of the probability of each class's presence and, where it is asked, planes of floats. @typedef {(pixels: Uint8Array, width: number, height: number, isWhereAsked: boolean) => Promise<Pick<Answer, "parts" | "presence">>} RunGarments */
/** A network's input. @typedef {{ input: Uint8Array } & Size} Input */
/** What a look finds; its size is that of `parts`, `cells` that of the rest. @typedef {{ parts: Float32Array, heat: Float32Array, spots: Spots, presence: Float32Array, cells: Size } & Size} Look */
/** Somebody: where the centre is, the box around, the view for the closer look, which is the box with a margin, and the confidence in each class. @typedef {{ x: number, y: number, box: Box, view: Box, score: number, parts: number[] }} Person */
/** Label map and map of people, one after the other, each one's confidence, and milliseconds. @typedef {{ maps: Uint8Array<ArrayBuffer>, people: { score: number, parts: number[] }[], timings: Record<string, number> }} Parsed */

export class Lite {
  /** @param {Run} run @param {RunGarments} runGarments @param {Settings} settings */
  constructor(run, runGarments, settings) {
    this.run = run;
    this.runGarments = runGarments;
    this.settings = settings;
  }

  /**
   * @param {Photo} photo
   * @param {() => Promise<void>} pause awaited between looks; what it throws ends the work
   * @returns {Promise<Parsed>}
   */
  async parse(photo, pause) {
    const { width, height } = photo;
    const whole = { x0: 0, y0: 0, x1: width, y1: height };
    const times = [performance.now()];
    let look = await this.ask(this.prepare(photo, whole, this.settings.glance_area));
    let people = locatePeople(look, photo, this.settings);
    if (!isPortrait(people, photo, this.settings)) {
      await pause();
      const input = this.prepare(photo, whole, this.settings.look_area);
      look = await this.ask(input);
      people = locatePeople(look, photo, this.settings);
      if (people.length > 1) {
        await pause();
        look = mean(look, await this.ask(turn(input)), this.settings);
        people = locatePeople(look, photo, this.settings);
      }
    }
    times.push(performance.now());
    const size = width * height;
    const maps = new Uint8Array(2 * size);
    const [labels, personOf] = [maps.subarray(0, size), maps.subarray(size)];
    const claims = new Float32Array(size);
    if (!people.length) labels.set(labelMap(look.parts, argmax(look.parts, look.width * look.height).best, look, photo));
    const largestFirst = people.map((_, index) => index).sort((one, other) => areaOf(people[other].box) - areaOf(people[one].box));
    const portrait = isPortrait(people, photo, this.settings) ? look : null;
    for (const index of largestFirst) {
      await pause();
      const { view } = people[index];
      const closer = await (portrait ? this.lookAgain(photo, view, portrait, pause) : this.lookCloser(photo, view, pause));
      people[index].parts = this.parsePerson(closer, photo, people, index, labels, personOf, claims);
    }
    times.push(performance.now());
    const kept = renumber(personOf, people);
    times.push(performance.now());
    const [find, parse, decode] = times.slice(1).map((time, stage) => time - times[stage]);
    return { maps, people: kept.map(({ score, parts }) => ({ score, parts })), timings: { find, parse, decode } };
  }

  /** The network's input for a box of the photo, about `area` pixels. @param {Photo} photo @param {Box} box @param {number} area @returns {Input} */
  prepare(photo, box, area) {
    const to = networkSize({ width: box.x1 - box.x0, height: box.y1 - box.y0 }, area, this.settings);
    return { input: resizePhoto(photo, box, to), ...to };
  }

  /** Likewise for a view of somebody. @param {Photo} photo @param {Box} view @param {number} area at most @returns {Input} */
  prepareView(photo, view, area) {
    return this.prepare(photo, view, Math.min(area, this.settings.largest_zoom ** 2 * areaOf(view)));
  }

  /** @param {Input} input @returns {Promise<Look>} */
  async ask({ input, width, height }) {
    const { parts, heat, offsets, presence } = await this.run(input, width, height);
    const { part_stride, person_stride } = this.settings;
    const cells = { width: width / person_stride, height: height / person_stride };
    const spots = aim(offsets, cells.width, cells.height, person_stride);
    return { parts, heat, spots, presence, width: width / part_stride, height: height / part_stride, cells };
  }

  /**
   * A closer look at a view of somebody, of the picture and of its mirror image. What is worn, the second network says.
   * @param {Photo} photo @param {Box} view @param {() => Promise<void>} pause @returns {Promise<Look>}
   */
  async lookCloser(photo, view, pause) {
    const small = this.prepareView(photo, view, this.settings.person_area);
    const direct = await this.ask(small);
    await pause();
    const answer = mean(direct, await this.ask(turn(small)), this.settings);
    await pause();
    const { presence } = await this.runGarments(small.input, small.width, small.height, false);
    return { ...answer, parts: withPresence(answer.parts, answer.presence, presence, this.settings) };
  }

  /**
   * A closer look at the view of somebody alone and large, of the first look and of its mirror image. The second network says what is
   * worn and, in more detail, has half a say in where.
   * @param {Photo} photo @param {Box} view @param {Look} look @param {() => Promise<void>} pause @returns {Promise<Look>}
   */
  async lookAgain(photo, view, look, pause) {
    const { settings } = this;
    const mirrored = await this.ask(turn(this.prepareView(photo, view, settings.person_area)));
    await pause();
    const parts = cropScores(look.parts, look, photo, view, mirrored);
    const answer = mean({ ...mirrored, parts, presence: look.presence }, mirrored, settings);
    const { input, width, height } = this.prepareView(photo, view, settings.portrait_area);
    const { parts: where, presence } = await this.runGarments(input, width, height, true);
    const others = shrinkScores(where, { width: width / settings.part_stride, height: height / settings.part_stride }, mirrored);
    const scores = withPresence(answer.parts, answer.presence, presence, settings);
    return { ...answer, parts: withOpinion(scores, others, answer.width * answer.height) };
  }

  /**
   * Writes the parts that a closer look at one person found into the label map and the map of people, unless it is nobody; gives the
   * confidence in each class.
   * @param {Look} answer @param {Photo} photo @param {Person[]} people @param {number} index @param {Uint8Array} labels
   * @param {Uint8Array} personOf @param {Float32Array} claims the highest claim so far to each pixel
   */
  parsePerson(answer, photo, people, index, labels, personOf, claims) {
    const { settings } = this;
    const { view } = people[index];
    const settled = settleGarments(answer.parts, answer.width * answer.height, settings);
    const to = { width: view.x1 - view.x0, height: view.y1 - view.y0 };
    const claim = claimTo(answer, people, index, to, settings);
    const { parts, somebody } = meanConfidence(settled, answer, claim, settings);
    if (somebody < settings.least_certain) return parts;
    const found = labelMap(settled.scores, settled.best, answer, to);
    const claimed = people.length > 1 ? resample(claim, answer.cells.width, ...linearTapsOf(answer.cells, to)) : null;
    for (let y = view.y0, from = 0; y < view.y1; y++) {
      for (let i = y * photo.width + view.x0; i < y * photo.width + view.x1; i++, from++) {
        if (found[from] === settings.background || (claimed && claimed[from] <= claims[i])) continue;
        if (claimed) claims[i] = claimed[from];
        labels[i] = found[from];
        personOf[i] = index + 1;
      }
    }
    return parts;
  }
}

/**
 * A size of about `area` pixels, both sides multiples of the stride, of the same shape as `from`.
 * @param {Size} from @param {number} area @param {Settings} settings @returns {Size}
 */
function networkSize(from, area, { stride, longest_side }) {
  const zoom = Math.sqrt(area / (from.width * from.height));
  const most = Math.floor(longest_side / stride);
  /** @param {number} length */
  const side = (length) => Math.min(Math.max(roundHalfEven((length * zoom) / stride), 1), most) * stride;
  return { width: side(from.width), height: side(from.height) };
}

/** The mirror image. @param {Input} input @returns {Input} */
function turn({ input, width, height }) {
  const turned = new Uint8Array(input.length);
  for (let row = 0; row < input.length; row += 3 * width) {
    for (let from = row, end = row + 3 * width, to = end - 3; from < end; from += 3, to -= 3) {
      turned[to] = input[from];
      turned[to + 1] = input[from + 1];
      turned[to + 2] = input[from + 2];
    }
  }
  return { input: turned, width, height };
}

/**
 * The mean of what was found in a picture and of what was found in its mirror image, there with sides swapped, left for right.
 * @param {Look} direct @param {Look} mirrored @param {Settings} settings @returns {Look}
 */
function mean(direct, mirrored, { mirror, person_stride }) {
  const { width, cells } = direct;
  const last = cells.width * person_stride - 1;
  const turned = mirrored.spots.x.map((x) => last - x);
  const spots = { x: meanPlanes(direct.spots.x, turned, cells.width), y: meanPlanes(direct.spots.y, mirrored.spots.y, cells.width) };
  const heat = meanPlanes(direct.heat, mirrored.heat, cells.width);
  const presence = direct.presence.map((value, part) => (value + mirrored.presence[mirror[part]]) / 2);
  return { ...direct, parts: meanPlanes(direct.parts, mirrored.parts, width, mirror), heat, spots, presence };
}

/**
 * The mean of planes and of those of a mirror image, whose rows are read from their ends.
 * @param {Float32Array} direct @param {Float32Array} mirrored @param {number} width of a row
 * @param {number[]} others which plane of the mirror image belongs to each plane
 */
function meanPlanes(direct, mirrored, width, others = [0]) {
  const size = direct.length / others.length;
  const means = new Float32Array(direct.length);
  others.forEach((other, plane) => {
    for (let row = 0; row < size; row += width) {
      const start = plane * size + row;
      for (let to = start, from = other * size + row + width - 1; to < start + width; to++, from--) {
        means[to] = (direct[to] + mirrored[from]) / 2;
      }
    }
  });
  return means;
}

/** The people of the first look, from left to right. @param {Look} look @param {Photo} photo @param {Settings} settings @returns {Person[]} */
function locatePeople(look, photo, settings) {
  const { best } = argmax(look.parts, look.width * look.height);
  const { width, height } = look.cells;
  const person = new Float32Array(best).map((part) => Number(part !== settings.background));
  const share = resample(person, look.width, ...areaTapsOf(look, look.cells));
  const inside = new Uint8Array(share.map((value) => Number(value > settings.inside)));
  const face = best.map((part) => Number(settings.face.includes(part)));
  const faces = findFaces(face, look.width, look.height, settings.part_stride, settings);
  const { centers, numbers } = findPeople({ heat: look.heat, spots: look.spots, inside, width, height }, faces, settings);
  const [across, down] = [photo.width / (width * settings.person_stride), photo.height / (height * settings.person_stride)];
  const people = centers.flatMap((center, index) => {
    const mask = numbers.map((number) => Number(number === index + 1));
    if (!mask.includes(1)) return [];
    const cells = mainBox(mask, width, height, settings.smallest_piece);
    const [columns, rows] = [across * settings.person_stride, down * settings.person_stride];
    const box = {
      x0: Math.floor(cells.x0 * columns),
      y0: Math.floor(cells.y0 * rows),
      x1: Math.ceil(cells.x1 * columns),
      y1: Math.ceil(cells.y1 * rows),
    };
    const [x, y] = [(center.x + 0.5) * across - 0.5, (center.y + 0.5) * down - 0.5];
    return [{ x, y, box, view: grow(box, photo, settings), score: center.score, parts: [] }];
  });
  return people.sort((one, other) => one.x - other.x);
}

/** Whether somebody is alone and large. @param {Person[]} people @param {Photo} photo @param {Settings} settings */
const isPortrait = (people, photo, { large }) => people.length === 1 && areaOf(people[0].view) >= large * photo.width * photo.height;

/** Box of a mask without its small patches. @param {Uint8Array} mask @param {number} width @param {number} height @param {number} smallest @returns {Box} */
function mainBox(mask, width, height, smallest) {
  const { pieceOf, pieces } = findPieces(mask, width, height);
  const least = smallest * pieces.reduce((sum, { cells }) => sum + cells, 0);
  const box = { x0: width, y0: height, x1: 0, y1: 0 };
  pieceOf.forEach((piece, cell) => {
    if (!piece || pieces[piece - 1].cells < least) return;
    const [x, y] = [cell % width, Math.floor(cell / width)];
    box.x0 = Math.min(box.x0, x);
    box.y0 = Math.min(box.y0, y);
    box.x1 = Math.max(box.x1, x + 1);
    box.y1 = Math.max(box.y1, y + 1);
  });
  return box;
}

/**
 * By how much more each cell of the closer look belongs to this person than to anybody else in the photo.
 * @param {Look} answer @param {Person[]} people @param {number} index @param {Size} to that of their view @param {Settings} settings
 */
function claimTo(answer, people, index, to, settings) {
  const { width, height } = answer.cells;
  const zoom = { x: (width * settings.person_stride) / to.width, y: (height * settings.person_stride) / to.height };
  const rivals = people.filter((other, number) => number !== index && overlap(other.box, people[index].view));
  if (!rivals.length) return new Float32Array(width * height).fill(settings.unrivalled);
  const { view } = people[index];
  const [own, ...others] = [people[index], ...rivals].map(({ x, y }) =>
    distancesTo({ x: (x + 0.5 - view.x0) * zoom.x - 0.5, y: (y + 0.5 - view.y0) * zoom.y - 0.5 }, answer.spots),
  );
  const side = settings.person_stride * Math.sqrt(width * height);
  return own.map((distance, cell) => (Math.min(...others.map((other) => other[cell])) - distance) / side);
}

/** Renumbers the map of people without those who have no pixel in it; gives the others. @param {Uint8Array} personOf @param {Person[]} people */
function renumber(personOf, people) {
  const kept = people.filter((_, index) => personOf.includes(index + 1));
  if (kept.length === people.length) return people;
  const numbers = Uint8Array.of(0, ...people.map((person) => kept.indexOf(person) + 1));
  for (let pixel = 0; pixel < personOf.length; pixel++) personOf[pixel] = numbers[personOf[pixel]];
  return kept;
}

/** The box with a margin on each side, inside the photo. @param {Box} box @param {Size} photo @param {Settings} settings @returns {Box} */
function grow({ x0, y0, x1, y1 }, { width, height }, { margin }) {
  const [across, down] = [Math.floor(margin * (x1 - x0)) + 1, Math.floor(margin * (y1 - y0)) + 1];
  const [left, top] = [Math.max(x0 - across, 0), Math.max(y0 - down, 0)];
  return { x0: left, y0: top, x1: Math.min(x1 + across, width), y1: Math.min(y1 + down, height) };
}

/** @param {Box} box */
const areaOf = ({ x0, y0, x1, y1 }) => (x1 - x0) * (y1 - y0);
/** @param {Box} one @param {Box} other */
const overlap = (one, other) => one.x0 < other.x1 && other.x0 < one.x1 && one.y0 < other.y1 && other.y0 < one.y1;
