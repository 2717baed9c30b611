import net from 'node:net';
import { Aedes } from 'aedes';

const broker = await Aedes.createBroker();
net.createServer(broker.handle).listen(Number(process.env.PORT), '127.0.0.1');
