// A child that is sent sockets and never reads them; 'close' destroys them, and says so.
const sockets = [];
process.on('message', (message, socket) => {
  if (socket) {
    sockets.push(socket);
    process.send('taken');
    return;
  }
  for (const each of sockets) each.destroy();
  process.send('closed');
});
process.send('ready');
