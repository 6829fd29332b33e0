/** muxado's frames: https://github.com/ngrok/ngrok-rust/blob/main/muxado/PROTOCOL.md */
export const FrameType = { reset: 0, data: 1, windowIncrement: 2, goAway: 3 } as const;
export const FrameFlag = { fin: 1, syn: 2 } as const;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly body: Buffer;
}

const HEADER_BYTES = 8;

export function encodeFrame(frame: Frame): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUIntBE(frame.body.length, 0, 3);
  header.writeUInt8((frame.type << 4) | frame.flags, 3);
  header.writeUInt32BE(frame.streamId, 4);
  return Buffer.concat([header, frame.body]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Cuts a byte stream into frames, however it arrives. */
export function frameReader(onFrame: (frame: Frame) => void): (chunk: Buffer) => void {
  let waiting = Buffer.alloc(0);
  return (chunk) => {
    waiting = Buffer.concat([waiting, chunk]);
    while (waiting.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + waiting.readUIntBE(0, 3);
      if (waiting.length < end) return;
      const typeAndFlags = waiting.readUInt8(3);
      const body = waiting.subarray(HEADER_BYTES, end);
      const frame = { type: typeAndFlags >> 4, flags: typeAndFlags & 15, streamId: waiting.readUInt32BE(4), body };
      waiting = waiting.subarray(end);
      onFrame(frame);
    }
  };
}
