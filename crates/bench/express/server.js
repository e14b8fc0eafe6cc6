// A plain handler: verifies the signature, reads the message, stores nothing and answers as Front expects.
import { createHmac, timingSafeEqual } from 'node:crypto';
import express from 'express';

const secret = process.env.FRONT_APP_SECRET;
const app = express();

app.post('/message', express.raw({ type: 'application/json', limit: '1mb' }), (request, response) => {
  const timestamp = request.get('x-front-request-timestamp') ?? '';
  const given = Buffer.from(request.get('x-front-signature') ?? '', 'base64');
  const made = createHmac('sha256', secret).update(`${timestamp}:`).update(request.body).digest();
  if (given.length !== made.length || !timingSafeEqual(given, made)) {
    return response.status(401).json({ error: 'not signed as it should be' });
  }
  const { payload } = JSON.parse(request.body);
  response.json({
    type: 'success',
    external_id: payload.id,
    external_conversation_id: payload.recipients.find((one) => one.role === 'to').handle,
  });
});

const server = app.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
