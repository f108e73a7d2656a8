/* Calls of functions in Keras models: TensorFlow's as Keras 2 writes them (TFOpLambda and its kin),
 * as nodes of graphs (TensorFlowOpLayer), and operations of Keras 3. The expected graphs follow
 * from what the functions are documented to do. Expected ops are those between input and output. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/formats/keras_maker.h"

static void expect_ops(const ag_graph *g, const char *expected) {
  ag_text ops = {0};
  for (int i = 1; i + 1 < g->size; i++)
    ag_text_add(&ops, "%s%s", i > 1 ? " " : "", ag_op_get(g->nodes[i].op)->name);
  if (strcmp(ops.data ? ops.data : "", expected) != 0) fail_msg("%s, not %s", ops.data, expected);
  ag_text_free(&ops);
}

/* The ops that come out, and the shape. */
static const ag_graph *expect(int version, const char *layers, const char *ops, ag_shape shape) {
  char *text = called(version, layers);
  if (folder) write_model(text);
  const ag_graph *g = parse(text, NULL, NULL);
  ag_shape out = g->nodes[g->size - 1].out;
  expect_ops(g, ops);
  if (!ag_shape_equal(out, shape)) fail_msg("%s: %dx%dx%d", layers, out.h, out.w, out.c);
  free(text);
  return g;
}

static void expect_only(int version, const char *layers, const char *ops, ag_shape shape) {
  ag_graph_release(expect(version, layers, ops, shape));
}

#define CONV "c Conv2D {'filters':4,'kernel_size':[3,3],'padding':'same'} [[['x',0,0,{}]]]\n"
#define LAMBDA(function) "TFOpLambda {'function':'" function "'} "
static const ag_shape image = {8, 6, 4};

/* --- Keras 2 ---------------------------------------------------------------------------------- */

/* x * relu6(x + 3) / 6, the way networks without the layer have it. */
static void arithmetic(void **state) {
  (void)state;
  expect_only(
      2,
      CONV "a " LAMBDA(
          "__operators__.add") "[['c',0,0,{'y':3.0,'name':null}]]\n"
                               "r " LAMBDA(
                                   "nn.relu6") "[['a',0,0,{'name':null}]]\n"
                                               "m " LAMBDA(
                                                   "math.multiply") "[['c',0,0,{'y':['r',0,0],'"
                                                                    "name':null}]]\n"
                                                                    "d " LAMBDA(
                                                                        "math.multiply") "[['m',0,"
                                                                                         "0,{'y':0."
                                                                                         "16666667,"
                                                                                         "'name':"
                                                                                         "null}]]",
      "conv hardswish", image);
  expect_only(
      2,
      CONV "a " LAMBDA(
          "math.add") "[['c',0,0,{'y':['x',0,0]}]]\n"
                      "m " LAMBDA("math.subtract") "[['_CONSTANT_VALUE',-1,1.0,{'y':['a',0,0]}]]",
      "conv add opaque", image);
  expect_only(2,
              CONV "r " LAMBDA("clip_by_value") "[['c',0,0,{'clip_value_min':0.0,"
                                                "'clip_value_max':6.0}]]",
              "conv relu6", image);
}

/* What models of preprocessed images begin with: one number per channel, as TF.js has it. */
static void constants_per_channel(void **state) {
  (void)state;
  const ag_graph *g = expect(
      2,
      "s " LAMBDA("math.subtract") "[['x',0,0,{'y':[1,2,3,4]}]]\n"
                                   "d " LAMBDA("math.truediv") "[['s',0,0,{'y':[[[[2,4,8,16]]]]}]]",
      "opaque batchnorm", image);
  const ag_record *norm = ag_store_get(g->store, g->nodes[2].record);
  const float *scale = norm->tensor[AG_ROLE_SCALE].data;
  for (int c = 0; c < 4; c++) assert_true(scale[c] == 1.0f / (float)(2 << c));
  ag_graph_release(g);
}

static void squeeze_and_excite(void **state) {
  (void)state;
  expect_only(
      2,
      "p " LAMBDA(
          "math.reduce_mean") "[['x',0,0,{'axis':[1,2],'keepdims':true}]]\n"
                              "c Conv2D {'filters':4,'kernel_size':[1,1]} [[['p',0,0,{}]]]\n"
                              "s " LAMBDA("math.sigmoid") "[['c',0,0,{}]]\n"
                                                          "m " LAMBDA(
                                                              "math.multiply") "[['x',0,0,{'y':['s'"
                                                                               ",0,0]}]]",
      "mean conv sigmoid mul", image);
  expect_only(2,
              "p " LAMBDA("compat.v1.math.reduce_mean") "[['x',0,0,{'axis':[1,2],'keepdims':null,"
                                                        "'reduction_indices':null}]]\n"
                                                        "d Dense {'units':3} [[['p',0,0,{}]]]",
              "mean matmul", (ag_shape){1, 1, 3});
}

/* Reshape, transpose, reshape; halves that change places. */
static void shuffles(void **state) {
  (void)state;
  expect_only(
      2,
      "a " LAMBDA("reshape") "[['x',0,0,{'shape':[-1,8,6,2,2]}]]\n"
                             "b " LAMBDA(
                                 "transpose") "[['a',0,0,{'perm':[0,1,2,4,3]}]]\n"
                                              "r " LAMBDA(
                                                  "reshape") "[['b',0,0,{'shape':[-1,8,6,4]}]]\n"
                                                             "c Conv2D "
                                                             "{'filters':4,'kernel_size':[3,3],'"
                                                             "padding':'same'} [[['r',0,0,{}]]]",
      "channelshuffle conv", image);
  const ag_graph *g = expect(
      2,
      "s " LAMBDA("split") "[['x',0,0,{'num_or_size_splits':2,'axis':-1}]]\n"
                           "c Conv2D {'filters':2,'kernel_size':[3,3],'padding':'same'} "
                           "[[['s',0,1,{}]]]\n"
                           "j " LAMBDA("concat") "[[['c',0,0,{'axis':3}],['s',0,0,{'axis':3}]]]",
      "opaque opaque conv concat", image);
  assert_int_equal(g->nodes[1].out.c, 2);
  ag_graph_release(g);
}

/* x[..., :2], x[:, 1:-1, ::2, 0:3], x[:, 2] */
static void slices(void **state) {
  (void)state;
  static const char *const spec[] = {
      "{'slice_spec':[{'class_name':'__ellipsis__'},{'start':null,'stop':2,'step':null}]}",
      "{'slice_spec':[{'start':null,'stop':null,'step':null},{'start':1,'stop':-1,'step':null},"
      "{'start':null,'stop':null,'step':2},{'start':0,'stop':3,'step':null}]}"};
  static const ag_shape shapes[] = {{8, 6, 2}, {6, 3, 3}};
  for (int i = 0; i < 2; i++) {
    char layers[800];
    snprintf(layers, sizeof layers,
             CONV "s SlicingOpLambda {'function':'__operators__.getitem'} [['c',0,0,%s]]", spec[i]);
    expect_only(2, layers, "conv opaque", shapes[i]);
  }
}

/* The size of the batch is asked for, then the rest of a row is as long as it must be. */
static void computed_shapes(void **state) {
  (void)state;
  expect_only(
      2,
      CONV "s " LAMBDA("compat.v1.shape") "[['c',0,0,{'out_type':'int32'}]]\n"
                                          "b SlicingOpLambda {'function':'__operators__.getitem'} "
                                          "[['s',0,0,{'slice_spec':0}]]\n"
                                          "r " LAMBDA(
                                              "reshape") "[['c',0,0,{'shape':[['b',0,0],192]}]]\n"
                                                         "d Dense {'units':5} [[['r',0,0,{}]]]",
      "conv flatten matmul", (ag_shape){1, 1, 5});
}

static const ag_graph *image_chain(void) {
  chain c = begin(8, 6, 4);
  ag_node pads = ag_node_make(AG_OP_PADDINGS), up = ag_node_make(AG_OP_RESIZE);
  ag_node unfold = ag_node_make(AG_OP_DEPTH_TO_SPACE);
  pads.pads[0] = 1, pads.pads[3] = 2; /* top, left, bottom, right */
  up.stride[0] = 2, up.stride[1] = 3;
  up.flags |= AG_FLAG_LINEAR;
  unfold.stride[0] = unfold.stride[1] = 2;
  add(&c, pads);
  add(&c, conv_node(AG_OP_MAXPOOL, 0, 3, 2, AG_PAD_SAME, 0));
  add(&c, conv_node(AG_OP_AVGPOOL, 0, 2, 2, AG_PAD_VALID, 0));
  add(&c, up);
  add(&c, unfold);
  return finish(&c);
}

static void images(void **state) {
  (void)state;
  const ag_graph *expected = image_chain();
  char *text = called(
      2,
      "a " LAMBDA(
          "compat.v1.pad") "[['x',0,0,{'paddings':[[0,0],[1,0],[0,2],[0,0]],"
                           "'mode':'CONSTANT','constant_values':0}]]\n"
                           "b " LAMBDA(
                               "nn.max_pool2d") "[['a',0,0,{'ksize':3,'strides':[2,2],'padding':'"
                                                "SAME'}]]\n"
                                                "c " LAMBDA(
                                                    "nn.avg_pool2d") "[['b',0,0,{'ksize':[1,2,2,1],"
                                                                     "'strides':2,"
                                                                     "'padding':'VALID'}]]\n"
                                                                     "d " LAMBDA(
                                                                         "image.resize") "[['c',0,"
                                                                                         "0,{'size'"
                                                                                         ":[4,6],'"
                                                                                         "method':'"
                                                                                         "bilinear'"
                                                                                         "}]]\n"
                                                                                         "e"
                                                                                         " " LAMBDA(
                                                                                             "nn."
                                                                                             "depth"
                                                                                             "_to_"
                                                                                             "spac"
                                                                                             "e") "[['d',0,0,{'block_size':2}]]");
  compare(text, expected);
  free(text);
  ag_graph_release(expected);
}

/* Keras before 2.4: the node of a graph, as protobuf writes it in JSON. */
static void nodes_of_graphs(void **state) {
  (void)state;
  expect_only(
      2,
      CONV "a TensorFlowOpLayer {'node_def':{'name':'add','op':'AddV2','input':['c/BiasAdd',"
           "'add/y'],'attr':{'T':{'type':'DT_FLOAT'}}},'constants':{'1':3.0}} [[['c',0,0,{}]]]\n"
           "r TensorFlowOpLayer {'node_def':{'name':'r','op':'Relu6','input':['add'],'attr':{'T':"
           "{'type':'DT_FLOAT'}}},'constants':{}} [[['a',0,0,{}]]]\n"
           "m TensorFlowOpLayer {'node_def':{'name':'mul','op':'Mul','input':['c/BiasAdd','r'],"
           "'attr':{}},'constants':{}} [[['c',0,0,{}],['r',0,0,{}]]]\n"
           "d TensorFlowOpLayer {'node_def':{'name':'div','op':'RealDiv','input':['mul','div/y'],"
           "'attr':{}},'constants':{'1':6}} [[['m',0,0,{}]]]\n"
           "p TensorFlowOpLayer {'node_def':{'name':'mean','op':'Mean','input':['div','axes'],"
           "'attr':{'keep_dims':{'b':false},'Tidx':{'type':'DT_INT32'}}},"
           "'constants':{'1':[1,2]}} [[['d',0,0,{}]]]",
      "conv hardswish mean", (ag_shape){1, 1, 4});
}

/* --- Keras 3 ---------------------------------------------------------------------------------- */

static void operations(void **state) {
  (void)state;
  expect_only(3,
              "c Conv2D {'filters':4,'kernel_size':[3,3],'padding':'same'} "
              "[{'args':[@x],'kwargs':{}}]\n"
              "a ops.Add {'name':'a'} [{'args':[@c,3.0],'kwargs':{}}]\n"
              "r ops.Relu6 {'name':'r'} [{'args':[@a],'kwargs':{}}]\n"
              "m ops.Multiply {'name':'m'} [{'args':[@c,@r],'kwargs':{}}]\n"
              "d ops.TrueDivide {'name':'d'} [{'args':[@m,6.0],'kwargs':{}}]\n"
              "p ops.Mean {'axis':[1,2],'keepdims':true} "
              "[{'args':[@d],'kwargs':{}}]\n"
              "s ops.Subtract {'name':'s'} "
              "[{'args':[@d,@p],'kwargs':{}}]",
              "conv hardswish mean opaque", image);
  expect_only(3,
              "g ops.GetItem {'name':'g'} [{'args':[@x,[{'class_name':'__ellipsis__','config':"
              "{}},{'class_name':'__slice__','config':{'start':null,'stop':2,'step':null}}]],"
              "'kwargs':{}}]\n"
              "j ops.Concatenate {'axis':-1} [{'args':[[@g,@x]],'kwargs':{}}]\n"
              "r ops.Reshape {'newshape':[-1,288]} [{'args':[@j],'kwargs':{}}]\n"
              "d Dense {'units':3} [{'args':[@r],'kwargs':{}}]",
              "opaque concat flatten matmul", (ag_shape){1, 1, 3});
}

/* --- refusals ----------------------------------------------------------------------------- */

static void refuse(const char *layers, const char *where, const char *what) {
  refuse_model(called(2, layers), where, what);
}

static void refusals_name_the_function(void **state) {
  (void)state;
  refuse("f " LAMBDA("signal.fft2d") "[['x',0,0,{}]]", "f (TFOpLambda)",
         "no rule for the function 'signal.fft2d'; put a layer");
  refuse("f " LAMBDA("sparse.add") "[['x',0,0,{'y':1}]]", "f (TFOpLambda)", "'sparse.add'");
  refuse("f " LAMBDA("math.add") "[['x',0,0,{}]]", "f (TFOpLambda)", "missing");
  refuse("f " LAMBDA("math.add") "[['x',0,0,{'y':[[1,2],[3]]}]]", "f (TFOpLambda)", "malformed");
  refuse("f " LAMBDA("nn.gelu") "[['x',0,0,{'approximate':true}]]", "f (TFOpLambda)", "exact");
  refuse("f " LAMBDA("nn.softmax") "[['x',0,0,{'axis':1}]]", "f (TFOpLambda)", "last dimension");
  refuse("f TensorFlowOpLayer {'node_def':{'op':'FFT2D','input':['x']}} [[['x',0,0,{}]]]",
         "f (TensorFlowOpLayer)", "no rule for the op 'FFT2D'");
  refuse("f TensorFlowOpLayer {'node_def':'AddV2'} [[['x',0,0,{}]]]", "f (TensorFlowOpLayer)",
         "TensorFlow 2.1");
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "--write") == 0) folder = argv[2];
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(arithmetic),
      cmocka_unit_test(constants_per_channel),
      cmocka_unit_test(squeeze_and_excite),
      cmocka_unit_test(shuffles),
      cmocka_unit_test(slices),
      cmocka_unit_test(computed_shapes),
      cmocka_unit_test(images),
      cmocka_unit_test(nodes_of_graphs),
      cmocka_unit_test(operations),
      cmocka_unit_test(refusals_name_the_function),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
