// Sound from the microphone as a WAV file, which every reader of sounds understands.

const LONGEST_SECONDS = 30;

export async function record() {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const recorder = new MediaRecorder(stream);
  const pieces = [];
  const file = new Promise((resolve, reject) => {
    recorder.addEventListener("dataavailable", (event) => pieces.push(event.data));
    recorder.addEventListener("stop", () => {
      stream.getTracks().forEach((track) => track.stop());
      asWav(new Blob(pieces)).then(resolve, reject);
    });
  });
  const stop = () => recorder.state === "recording" && recorder.stop();
  recorder.start();
  setTimeout(stop, 1000 * LONGEST_SECONDS);
  return { file, stop };
}

async function asWav(blob) {
  const context = new AudioContext();
  const sound = await context.decodeAudioData(await blob.arrayBuffer());
  await context.close();
  return new File([wav(sound.getChannelData(0), sound.sampleRate)], "recording.wav", { type: "audio/wav" });
}

function wav(samples, rate) {
  const bytes = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const write = (place, text) => [...text].forEach((letter, at) => bytes.setUint8(place + at, letter.charCodeAt(0)));
  write(0, "RIFF");
  bytes.setUint32(4, 36 + 2 * samples.length, true);
  write(8, "WAVEfmt ");
  bytes.setUint32(16, 16, true);
  bytes.setUint16(20, 1, true); // PCM
  bytes.setUint16(22, 1, true); // one channel
  bytes.setUint32(24, rate, true);
  bytes.setUint32(28, 2 * rate, true);
  bytes.setUint16(32, 2, true);
  bytes.setUint16(34, 16, true);
  write(36, "data");
  bytes.setUint32(40, 2 * samples.length, true);
  samples.forEach((value, at) => bytes.setInt16(44 + 2 * at, 32767 * Math.max(-1, Math.min(1, value)), true));
  return bytes.buffer;
}
