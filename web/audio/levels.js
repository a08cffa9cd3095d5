// @ts-check
/** How loud something is just now, for a meter. */

const QUIET_DB = -55;
const LOUD_DB = -12;

/**
 * @param {AnalyserNode} analyser
 * @returns {number} 0 (quiet) to 1 (loud), on a scale of decibels
 */
export function levelOf(analyser) {
  const samples = new Float32Array(analyser.fftSize);
  analyser.getFloatTimeDomainData(samples);
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  const db = 10 * Math.log10(power + 1e-12);
  return Math.min(1, Math.max(0, (db - QUIET_DB) / (LOUD_DB - QUIET_DB)));
}

/**
 * Listens along to a stream.
 *
 * @param {MediaStream} stream
 * @returns {{level: () => number, close: () => void}} `level`: 0 to 1
 */
export function levelOfStream(stream) {
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  context.createMediaStreamSource(stream).connect(analyser);
  void context.resume();
  return { level: () => levelOf(analyser), close: () => void context.close() };
}
