/* What people name .onnx or .pb by mistake, told by the first bytes: downloads that went wrong, and
 * the files of frameworks that have an export of their own. */
#include "engine/formats/foreign.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#define EXPORT_FROM_TORCH "load it in PyTorch and write the network with torch.onnx.export"

enum { LOOKED_AT = 512, SHOWN = 30 };

static const struct {
  size_t at, length;
  const char *bytes, *says;
} signatures[] = {
    {0, 23, "version https://git-lfs",
     "a Git LFS pointer, not the file it stands for; fetch that with git lfs pull"},
    {0, 6, "\x89HDF\r\n",
     "an HDF5 file, as Keras writes them; write model.to_json() to a .json file instead, or export "
     "the model to ONNX"},
    {0, 2, "\x80\x02", "a Python pickle; " EXPORT_FROM_TORCH},
    {0, 2, "\x1f\x8b", "compressed with gzip; unpack it first"},
    {0, 6,
     "\xfd"
     "7zXZ",
     "compressed with xz; unpack it first"},
    {0, 6, "\x93NUMPY", "an array of NumPy, not a network"},
    {4, 4, "TFL3", "a TensorFlow Lite model; convert it to ONNX with tf2onnx"},
    {257, 5, "ustar", "a tar archive; unpack it first"},
};

static bool has(const char *data, size_t size, size_t at, const char *bytes, size_t length) {
  return size >= at + length && memcmp(data + at, bytes, length) == 0;
}

static bool contains(const char *data, size_t size, const char *text) {
  return memmem(data, size, text, strlen(text)) != NULL;
}

/* Archives by what they hold first. */
static const char *zip_kind(const char *data, size_t size) {
  if (size > LOOKED_AT) size = LOOKED_AT;
  if (contains(data, size, ".pkl") || contains(data, size, "/version"))
    return "a checkpoint of PyTorch; " EXPORT_FROM_TORCH;
  if (contains(data, size, "metadata.json") || contains(data, size, "config.json"))
    return "a .keras archive; unpack its config.json and give that";
  return "a ZIP archive; unpack it first";
}

/* Eight bytes of length, then that much JSON. */
static bool is_safetensors(const char *data, size_t size) {
  uint64_t length = 0;
  for (size_t i = 0; i < 8 && i < size; i++) length |= (uint64_t)(uint8_t)data[i] << (8 * i);
  return size > 8 && data[8] == '{' && length < size;
}

static const char *text_kind(const char *text) {
  if (*text == '<')
    return "a page in HTML or XML, perhaps what a server said instead of sending the file; "
           "download "
           "it again";
  if (*text == '{' || *text == '[')
    return "JSON; models of Keras, TensorFlow.js and AutoGO in JSON are read under a name that "
           "ends in .json";
  return NULL;
}

/* Pages may be in any language; plain text must be ASCII to be taken for that. */
static bool is_text(const char *data, size_t size, bool ascii) {
  for (size_t i = 0; i < size && i < LOOKED_AT; i++) {
    unsigned char c = (unsigned char)data[i];
    if (c == 0x7f || (c < ' ' && c != '\n' && c != '\r' && c != '\t')) return false;
    if (ascii && c > 0x7f) return false;
  }
  return true;
}

/* The first words, as far as they can be shown. */
static ag_status quote(const char *text, size_t size, ag_error *err) {
  char words[SHOWN + 1];
  size_t length = 0;
  for (; length < size && length < SHOWN && isprint((unsigned char)text[length]); length++)
    words[length] = text[length];
  words[length] = '\0';
  return ag_fail(err, AG_FORMAT, "not a model, but text that begins with '%s'", words);
}

static const char *binary_kind(const char *data, size_t size) {
  for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++)
    if (has(data, size, signatures[i].at, signatures[i].bytes, signatures[i].length))
      return signatures[i].says;
  if (has(data, size, 0, "PK\x03\x04", 4)) return zip_kind(data, size);
  if (is_safetensors(data, size))
    return "weights in safetensors, without a network; export the network to ONNX";
  return NULL;
}

/* Messages of the other format. ONNX begins with its version and who made it, a SavedModel with
 * version 1 and a graph, a GraphDef with a node of which the op soon follows. */
static const char *message_kind(ag_foreign_reader reader, const char *data, size_t size) {
  bool versioned = size > 2 && data[0] == 8 && data[1] > 0 && data[1] < 32;
  if (size > LOOKED_AT) size = LOOKED_AT;
  if (reader == AG_FOREIGN_TO_ONNX)
    return has(data, size, 0, "\n", 1) && (contains(data, size,
                                                    "\x12\x05"
                                                    "Const") ||
                                           contains(data, size, "\x12\x0bPlaceholder"))
               ? "a GraphDef of TensorFlow; those are read under a name that ends in .pb"
               : NULL;
  if (versioned && data[1] == 1)
    return "a SavedModel of TensorFlow; freeze it, or convert it to ONNX with tf2onnx";
  return versioned ? "perhaps ONNX, which is read under a name that ends in .onnx" : NULL;
}

ag_status ag_foreign_explain(ag_status status, ag_foreign_reader reader, const void *bytes,
                             size_t size, ag_error *err) {
  const char *data = bytes;
  size_t blank = 0;
  if (status != AG_FORMAT || !err) return status;
  while (blank < size && strchr("\xef\xbb\xbf \t\r\n", data[blank]) && data[blank]) blank++;
  if (blank == size) return ag_fail(err, AG_FORMAT, "the file is empty");
  const char *kind = binary_kind(data, size);
  if (!kind) kind = message_kind(reader, data, size);
  if (!kind && is_text(data + blank, size - blank, false)) kind = text_kind(data + blank);
  if (kind) return ag_fail(err, AG_FORMAT, "not a model, but %s", kind);
  return is_text(data + blank, size - blank, true) ? quote(data + blank, size - blank, err)
                                                   : status;
}
