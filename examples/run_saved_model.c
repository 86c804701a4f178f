/* Asks an exported model for the answers to sequences, in C and without Python.

       run_saved_model SAVED_MODEL_DIR INPUT OUTPUT BATCH TIMESTEPS FEATURES IN OUT

   IN holds BATCH x TIMESTEPS x FEATURES numbers, float32 as NumPy's `tofile` writes them.
   OUT will hold the outputs likewise, and their shape is printed. INPUT and OUTPUT are the
   names of tensors, which this tells:

       saved_model_cli show --dir SAVED_MODEL_DIR --tag_set serve --signature_def sequence

   The headers and libraries of TensorFlow's C API are in its Python wheel, in the directory
   that `python -c "import tensorflow as tf; print(tf.sysconfig.get_lib())"` prints:

       cc run_saved_model.c -o run_saved_model -I$TF/include -L$TF -Wl,-rpath,$TF \
           -l:libtensorflow_cc.so.2 -l:libtensorflow_framework.so.2                       */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "tensorflow/c/c_api.h"

static void fail(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  exit(1);
}

static void check(const char *what, const TF_Status *status) {
  if (TF_GetCode(status) != TF_OK) fail(what, TF_Message(status));
}

/* A size from the command line. The limit keeps the product of three from overflowing. */
static int64_t parse_size(const char *text) {
  char *end;
  long size = strtol(text, &end, 10);
  if (end == text || *end || size < 1 || size > 1000000)
    fail(text, "a size, an integer from 1 to 1000000, was expected");
  return size;
}

/* The tensor of a graph with a name such as "serving_default_inputs:0". */
static TF_Output find_tensor(TF_Graph *graph, const char *name) {
  char operation[256];
  int index = 0;
  if (sscanf(name, "%255[^:]:%d", operation, &index) < 1)
    fail(name, "a tensor's name, such as \"operation:0\", was expected");
  TF_Output tensor = {TF_GraphOperationByName(graph, operation), index};
  if (!tensor.oper) fail(name, "the model has no such tensor");
  if (index < 0 || index >= TF_OperationNumOutputs(tensor.oper))
    fail(name, "the operation has no such output");
  return tensor;
}

static void read_numbers(const char *path, TF_Tensor *tensor) {
  FILE *file = fopen(path, "rb");
  if (!file) fail(path, "cannot be read");
  size_t size = TF_TensorByteSize(tensor);
  if (fread(TF_TensorData(tensor), 1, size, file) != size || fgetc(file) != EOF)
    fail(path, "does not hold BATCH x TIMESTEPS x FEATURES numbers");
  fclose(file);
}

static void write_numbers(const char *path, const TF_Tensor *tensor) {
  FILE *file = fopen(path, "wb");
  if (!file) fail(path, "cannot be written");
  size_t size = TF_TensorByteSize(tensor);
  if (fwrite(TF_TensorData(tensor), 1, size, file) != size || fclose(file))
    fail(path, "cannot be written");
}

int main(int argc, char **argv) {
  if (argc != 9) {
    fprintf(stderr,
            "usage: %s SAVED_MODEL_DIR INPUT OUTPUT BATCH TIMESTEPS FEATURES IN OUT\n",
            argv[0]);
    return 2;
  }
  const int64_t shape[] = {parse_size(argv[4]), parse_size(argv[5]), parse_size(argv[6])};
  TF_Status *status = TF_NewStatus();

  /* The graph and its weights. A session may run from several threads at once. */
  const char *const tags[] = {"serve"};
  TF_Graph *graph = TF_NewGraph();
  TF_SessionOptions *options = TF_NewSessionOptions();
  TF_Session *session = TF_LoadSessionFromSavedModel(options, NULL, argv[1], tags, 1, graph,
                                                     NULL, status);
  check(argv[1], status);
  TF_Output input = find_tensor(graph, argv[2]);
  TF_Output output = find_tensor(graph, argv[3]);
  if (TF_OperationOutputType(input) != TF_FLOAT) fail(argv[2], "float32 was expected");
  if (TF_OperationOutputType(output) != TF_FLOAT) fail(argv[3], "float32 was expected");

  TF_Tensor *inputs = TF_AllocateTensor(TF_FLOAT, shape, 3,
                                        shape[0] * shape[1] * shape[2] * sizeof(float));
  if (!inputs) fail("inputs", "not enough memory");
  read_numbers(argv[7], inputs);

  TF_Tensor *outputs = NULL;
  TF_SessionRun(session, NULL, &input, &inputs, 1, &output, &outputs, 1, NULL, 0, NULL,
                status);
  check("the model", status);

  write_numbers(argv[8], outputs);
  for (int axis = 0; axis < TF_NumDims(outputs); axis++)
    printf(axis ? " x %lld" : "%lld", (long long)TF_Dim(outputs, axis));
  printf(" numbers in %s\n", argv[8]);

  TF_DeleteTensor(inputs);
  TF_DeleteTensor(outputs);
  TF_DeleteSession(session, status);
  check("closing", status);
  TF_DeleteSessionOptions(options);
  TF_DeleteGraph(graph);
  TF_DeleteStatus(status);
  return 0;
}
