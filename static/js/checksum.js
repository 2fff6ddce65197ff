// CRC-32 as zlib computes it, eight bytes at a time: it also works where the browser keeps SHA-256 to itself (plain HTTP).

const TABLES = Array.from({ length: 8 }, () => new Uint32Array(256));
for (let byte = 0; byte < 256; byte++) {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  TABLES[0][byte] = value;
}
for (let byte = 0; byte < 256; byte++) {
  for (let table = 1; table < 8; table++) {
    const before = TABLES[table - 1][byte];
    TABLES[table][byte] = (before >>> 8) ^ TABLES[0][before & 255];
  }
}

/** The checksum of an ArrayBuffer, or of everything before it and the buffer. */
export function crc32(buffer, before = 0) {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES;
  const bytes = new Uint8Array(buffer);
  const whole = bytes.length - (bytes.length % 8);
  let crc = before ^ 0xffffffff;
  let at = 0;
  for (; at < whole; at += 8) {
    crc ^= bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    crc =
      t7[crc & 255] ^ t6[(crc >>> 8) & 255] ^ t5[(crc >>> 16) & 255] ^ t4[crc >>> 24] ^
      t3[bytes[at + 4]] ^ t2[bytes[at + 5]] ^ t1[bytes[at + 6]] ^ t0[bytes[at + 7]];
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[at]) & 255];
  return (crc ^ 0xffffffff) >>> 0;
}

/** A checksum as the server reads it. */
export function named(crc) {
  return `crc32=${crc.toString(16).padStart(8, "0")}`;
}
