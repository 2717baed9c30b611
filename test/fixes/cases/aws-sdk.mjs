// A command of the AWS SDK whose output is not taken.
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import http from 'node:http';
import { answersWith } from '../../corpus/lib/peers.mjs';

const kept = [];

export default {
  'get-object-for-its-length': {
    expect: {
      ...{ kind: 'close-wait', side: 'outbound', cause: 'response-body-not-read', method: 'GET' },
      ...{ framework: 'aws-sdk', reason: 'not-touched' },
    },
    upstream: (sizes) => http.createServer(answersWith(sizes.unreadAnswer)),
    async program({ upstream }) {
      const s3 = new S3Client({
        ...{ region: 'x', endpoint: `http://127.0.0.1:${upstream}`, forcePathStyle: true },
        credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      });
      const output = await s3.send(new GetObjectCommand({ Bucket: 'photos', Key: 'cat.jpg' }));
      kept.push(output.ContentLength, output);
    },
    fix: [['kept.push(output.ContentLength, output);', 'kept.push(output.ContentLength); output.Body.destroy();']],
    says: ['output.Body.destroy()'],
  },
};
