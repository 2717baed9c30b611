// No SDK is ever started: the process ends by itself when its work is done.
import { createGuard } from 'close-wait-guard';
import { instrumentGuard } from 'close-wait-guard/otel';

instrumentGuard(createGuard());
setTimeout(() => console.log('{"done":true}'), 1_500);
