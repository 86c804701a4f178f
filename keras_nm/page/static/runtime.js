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

// The runtime, and the sessions of models by their index.
const loaded = new Map();

// Loads something when it is first needed, and again if that failed.
function loadOnce(key, load) {
  if (!loaded.has(key)) {
    const loading = load();
    loading.catch(() => loaded.delete(key));
    loaded.set(key, loading);
  }
  return loaded.get(key);
}

// The session of the index-th model, and the runtime.
async function openModel(index) {
  const ort = await loadOnce("runtime", loadRuntime);
  const session = await loadOnce(index, async () =>
    ort.InferenceSession.create(await unpack(`model-${index}`), {
      executionProviders: ["wasm"],
    }),
  );
  return { ort, session };
}

// Runs one step. An output that has the name of an input has the prefix "new_" in ONNX.
async function runStep(session, tensors) {
  const outputs = await session.run(tensors);
  return Object.fromEntries(
    Object.entries(outputs).map(([name, tensor]) => [name.slice("new_".length), tensor]),
  );
}
