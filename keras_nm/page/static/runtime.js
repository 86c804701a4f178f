// The runtime and the models, packed in script elements of this page.

async function unpack(id) {
  const packed = document.getElementById(id).textContent;
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function loadRuntime() {
  const [code, wasm] = await Promise.all([unpack("runtime"), unpack("wasm")]);
  const ort = await import(
    URL.createObjectURL(new Blob([code], { type: "text/javascript" }))
  );
  // Threads would need headers that only a server can send.
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = wasm;
  return ort;
}

let runtime = null;
const sessions = new Map();

// The session of the index-th model, and the runtime: once, when they are first needed.
async function openModel(index) {
  runtime ??= loadRuntime();
  const ort = await runtime;
  if (!sessions.has(index)) {
    const options = { executionProviders: ["wasm"] };
    const session = unpack(`model-${index}`).then((graph) =>
      ort.InferenceSession.create(graph, options),
    );
    sessions.set(index, session);
  }
  return { ort, session: await sessions.get(index) };
}

// Runs one step. An output that has the name of an input has the prefix "new_" in ONNX.
async function runStep(session, tensors) {
  const outputs = await session.run(tensors);
  return Object.fromEntries(
    Object.entries(outputs).map(([name, tensor]) => [name.slice("new_".length), tensor]),
  );
}
