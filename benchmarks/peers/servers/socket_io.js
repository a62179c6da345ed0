// Socket.IO: WebSocket only, no compression, no recovery; an emit to all encodes once.
const { Server } = require("socket.io");
const http = require("http").createServer();

const io = new Server(http, {
  transports: ["websocket"], perMessageDeflate: false, httpCompression: false, serveClient: false,
});
io.on("connection", (socket) => {
  if (socket.handshake.query.says) socket.on("m", (text) => io.to("all").emit("m", text));
  else socket.join("all");
});
http.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () =>
  console.log(`listening on http://127.0.0.1:${http.address().port}`));
