import { parentPort } from 'node:worker_threads';
import { answer } from './worker-import.ts';

parentPort?.postMessage(answer('worker'));
