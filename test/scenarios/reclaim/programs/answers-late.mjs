// Takes a socket from its parent, and answers over it when it is told to.
let socket;
process.on('message', (message, handle) => {
  if (handle) {
    socket = handle;
    socket.on('error', (error) => process.send(`error ${error.code}`));
    return;
  }
  socket.write(Buffer.alloc(2_000_000, 'a'));
  socket.destroySoon();
});
process.send('ready');
