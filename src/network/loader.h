/* A network while it is being loaded: what the files that load it share. */
#ifndef NETWORK_LOADER_H
#define NETWORK_LOADER_H

#include "base/json.h"
#include "network/network.h"
#include "network/ops.h"

/* An input of a layer that names no tensor, or more than one; reported elsewhere. */
#define NO_VALUE (-1)

/* mbs_layer.shares of a layer with parameters of its own. */
#define NO_LAYER (-1)

typedef struct network_loader {
    json_document document;
    mbs_network *network; /* its layers in file order until all is checked */
    /*
     * Per layer: something that its shape depends on is wrong. It gets no shape (rank 0), and
     * neither do its readers, silently: one fault, one message.
     */
    bool *broken;
    bool
        inputs_known; /* the file has a list of network inputs, so that a missing name is a fault */
} network_loader;

/*
 * Makes a network of the loader's document, whose root is an object; the rest of the loader is
 * zero. Nothing is left to free but the document. Errors as of mbs_network_load_text.
 */
mbs_status load_network(mbs_network **network, network_loader *loader);

/* Where layer `index` stands in the file; `list` must outlive the result. */
json_path layer_path(const json_path *list, size_t index);

/* The shape of a value (see mbs_layer), or null if it is not known. */
const mbs_shape *value_shape(const mbs_network *network, int32_t value);

/* The name of a value. */
const char *value_name(const mbs_network *network, int32_t value);

/* ---- members.c: what a layer's object says ---- */

/*
 * Reads the members that belong to the layer's op and reports those that do not. Returns false if
 * something that the output's shape depends on is wrong.
 */
bool read_members(json_document *document, const json_path *at, const cJSON *object,
                  mbs_layer *layer);

/* Reads `value` (null if missing) into the layer; false as of read_members. */
typedef bool take_member(json_document *document, const json_path *at, const char *member,
                         const cJSON *value, mbs_layer *layer);

/* members_window.c: those that have a number for each axis of a window. */
take_member take_kernel;
take_member take_stride;
take_member take_dilation;
take_member take_pad;
take_member take_output_pad;
take_member take_size;

/* Takes a list of positive dimensions; rank is 0 where it fails. */
bool read_shape(json_document *document, const json_path *at, const char *member,
                const cJSON *value, mbs_shape *shape, int64_t *elements);

/* ---- names.c: which name means which value ---- */

/*
 * Reports names given twice and turns the layers' input names, and those of the layers whose
 * parameters they share, into values and layers. `layers` is the file's
 * list. O(size · log names), whatever the names are.
 */
void resolve_names(network_loader *loader, const cJSON *layers);

/* ---- sharing.c: whose parameters a layer uses ---- */

/*
 * Lets layer `index` use the parameters of layer `owner`, both in file order, or reports at `place`
 * why it cannot.
 */
void share_parameters(network_loader *loader, const json_path *place, int32_t index, int32_t owner);

/* Reports layers whose parameters are of another shape than those that they share. */
void check_sharing(network_loader *loader);

/* ---- order.c: the program order ---- */

/*
 * Puts the layers' file indices in program order (the stable topological order) into `order`,
 * returns how many there are: all but those on a cycle or behind one. Returns -1 if memory is out.
 */
int32_t sort_layers(const mbs_network *network, int32_t *order);

/* Reports the cycles among the layers that `order` leaves out. */
void report_cycles(network_loader *loader, const int32_t *order, int32_t placed);

/* ---- infer_layer.c: what the layers compute ---- */

/*
 * Infers shape, elements and parameters of layer `index`, whose inputs' shapes are all known.
 * Reports what is wrong; the layer's rank stays 0 if its shape cannot be told.
 */
void infer_layer(network_loader *loader, int32_t index);

#endif
