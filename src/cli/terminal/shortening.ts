import stringWidth from "string-width";

/** Texts of one column, shortened to a width. */
export interface Shortened {
  /** Shortened text of each text. */
  readonly texts: ReadonlyMap<string, string>;
  /** True if different texts stay different. */
  readonly isDistinct: boolean;
}

const ELLIPSIS = "…";
/** Shares of the width for the beginning of a text. The rest shows its end. Ids usually differ at their ends. */
const HEAD_SHARES = [1 / 2, 1 / 4, 0, 3 / 4, 1];

const characters = new Intl.Segmenter();

/** Shortens texts to `width` in the same place, so that different texts stay different if possible. */
export function shortened(all: Iterable<string>, width: number): Shortened {
  const texts = [...new Set(all)];
  let best: Shortened | undefined;
  let most = 0;
  const segmentsByText = new Map(texts.map((text) => [text, segmentsOf(text, width)]));
  for (const head of hidesOnlyCommon([...segmentsByText.values()], width) ? [0, ...HEAD_SHARES] : HEAD_SHARES) {
    const shown = new Map(
      [...segmentsByText].map(([text, segments]) => [text, segments === undefined ? text : cut(segments, width, head)]),
    );
    const distinct = new Set(shown.values()).size;
    if (distinct === texts.length) return { texts: shown, isDistinct: true };
    if (distinct > most) [best, most] = [{ texts: shown, isDistinct: false }, distinct];
  }
  return best === undefined ? { texts: new Map(), isDistinct: true } : separated(best.texts, segmentsByText, width);
}

/** Shows those that still look alike from where they begin to differ. */
function separated(
  texts: ReadonlyMap<string, string>,
  segmentsByText: ReadonlyMap<string, readonly string[] | undefined>,
  width: number,
): Shortened {
  const groups = new Map<string, string[]>();
  for (const [text, short] of texts) groups.set(short, [...(groups.get(short) ?? []), text]);
  const shown = new Map(texts);
  for (const group of groups.values()) {
    if (group.length === 1) continue;
    const segments = group.map((text) => segmentsByText.get(text) ?? [text]);
    const common = commonLength(segments);
    for (const [index, text] of group.entries()) {
      shown.set(text, from(segments[index] ?? [], common, width));
    }
  }
  return { texts: shown, isDistinct: new Set(shown.values()).size === shown.size };
}

/** Returns true if the ends of several texts fit, and what precedes them is the same. */
function hidesOnlyCommon(all: ReadonlyArray<readonly string[] | undefined>, width: number): boolean {
  const long = all.filter((segments) => segments !== undefined);
  const common = commonLength(long);
  return long.length > 1 && long.every((segments) => stringWidth(segments.slice(common).join("")) < width);
}

/** Returns the characters of a text that is too wide, or `undefined`. */
function segmentsOf(text: string, width: number): readonly string[] | undefined {
  return stringWidth(text) <= width ? undefined : [...characters.segment(text)].map(({ segment }) => segment);
}

function cut(segments: readonly string[], width: number, headShare: number): string {
  const tail = fitting(segments.toReversed(), Math.floor((width - 1) * (1 - headShare)))
    .toReversed()
    .join("");
  return `${fitting(segments, width - 1 - stringWidth(tail)).join("")}${ELLIPSIS}${tail}`;
}

/** Shows a text from the character at `start`. */
function from(segments: readonly string[], start: number, width: number): string {
  const rest = segments.slice(start);
  const before = start === 0 ? "" : ELLIPSIS;
  const whole = fitting(rest, width - before.length);
  if (whole.length === rest.length) return before + rest.join("");
  return `${before}${fitting(rest, width - before.length - 1).join("")}${ELLIPSIS}`;
}

function commonLength(all: readonly (readonly string[])[]): number {
  const [first = [], ...others] = all;
  const end = first.findIndex((segment, index) => others.some((other) => other[index] !== segment));
  return end === -1 ? first.length : end;
}

/** Returns the longest prefix that is at most `width` wide. */
function fitting(all: readonly string[], width: number): readonly string[] {
  let left = width;
  const end = all.findIndex((one) => {
    left -= stringWidth(one);
    return left < 0;
  });
  return end === -1 ? all : all.slice(0, end);
}
