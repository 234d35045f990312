"""The same fan-out on python-socketio and on Node's socket.io: their servers, their emitters, and how they are installed."""
