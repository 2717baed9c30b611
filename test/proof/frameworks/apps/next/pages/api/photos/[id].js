export const config = { api: { bodyParser: false } };

export default function handler(req, res) {
  if (req.method === 'GET') return res.end();
  // The fix goes here.
  return new Promise(() => {});
}
