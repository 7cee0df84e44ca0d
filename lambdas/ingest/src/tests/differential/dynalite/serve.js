// Serves dynalite at a port of 127.0.0.1 until standard input closes.
import dynalite from "dynalite";

process.stdin.resume().on("end", () => process.exit());
dynalite({ createTableMs: 0 }).listen(Number(process.argv[2]), "127.0.0.1");
