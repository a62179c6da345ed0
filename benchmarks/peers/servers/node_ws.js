// Node's ws: no compression, bufferutil, one Buffer for all.
const { WebSocketServer } = require("ws");

const server = new WebSocketServer({
  host: "127.0.0.1", port: 0, perMessageDeflate: false, backlog: 4096, skipUTF8Validation: true,
});
const hearing = new Set();
server.on("listening", () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
server.on("connection", (socket, request) => {
  socket.on("error", () => {});
  if (request.url === "/pub") {
    socket.on("message", (data) => {
      for (const each of hearing) each.send(data, { binary: false });
    });
    return;
  }
  hearing.add(socket);
  socket.on("close", () => hearing.delete(socket));
});
