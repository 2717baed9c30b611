export const config = { api: { bodyParser: false } };

export default function handler() {
  // The bug: the body is not read, and no response is sent.
  return new Promise(() => {});
}
