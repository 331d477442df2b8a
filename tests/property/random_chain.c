#include "random_chain.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"

static const char *const image_ops[] = {
    "\"op\":\"conv\",\"out_channels\":4,\"kernel\":3,\"pad\":1",
    "\"op\":\"conv\",\"out_channels\":4,\"kernel\":3,\"stride\":2,\"pad\":1",
    "\"op\":\"conv\",\"out_channels\":8,\"kernel\":1,\"stride\":2",
    "\"op\":\"conv\",\"out_channels\":2,\"kernel\":3,\"dilation\":2,\"pad\":2",
    "\"op\":\"conv_transpose\",\"out_channels\":2,\"kernel\":4,\"stride\":2,\"pad\":1",
    "\"op\":\"max_pool\",\"kernel\":3,\"stride\":2,\"pad\":1",
    "\"op\":\"avg_pool\",\"kernel\":2",
    "\"op\":\"upsample\",\"size\":[9,5]",
    "\"op\":\"pad\",\"before\":[0,2,1],\"after\":[0,1,0]",
    "\"op\":\"norm\",\"kind\":\"group\",\"groups\":1",
    "\"op\":\"norm\",\"kind\":\"batch\"",
    "\"op\":\"relu\"",
    "\"op\":\"gelu\"",
    "\"op\":\"softmax\"",
    "\"op\":\"global_avg_pool\"",
    "\"op\":\"permute\",\"order\":[0,2,1]",
};

static const char *const volume_ops[] = {
    "\"op\":\"conv\",\"out_channels\":2,\"kernel\":[2,3,3],\"pad\":[0,1,0,1,1,0]",
    "\"op\":\"conv\",\"out_channels\":2,\"kernel\":[1,3,2],\"stride\":[1,2,1],\"pad\":[0,1,1]",
    "\"op\":\"conv\",\"out_channels\":2,\"kernel\":[2,2,1],\"dilation\":[1,2,1],\"pad\":1,\"bias\":"
    "true",
    "\"op\":\"conv_transpose\",\"out_channels\":2,\"kernel\":[1,3,2],\"stride\":[1,2,1],"
    "\"output_pad\":[0,1,0],\"bias\":true",
    "\"op\":\"max_pool\",\"kernel\":[1,3,2],\"stride\":[1,2,1],\"pad\":[0,1,0]",
    "\"op\":\"avg_pool\",\"kernel\":[1,2,1]",
    "\"op\":\"upsample\",\"size\":[2,7,3]",
    "\"op\":\"pad\",\"before\":[0,0,2,1],\"after\":[0,1,1,0]",
    "\"op\":\"norm\",\"kind\":\"group\",\"groups\":1",
    "\"op\":\"relu\"",
    "\"op\":\"softmax\"",
    "\"op\":\"permute\",\"order\":[0,2,1,3]",
};

#define COUNT(ops) ((int64_t)(sizeof(ops) / sizeof(ops)[0]))

static mbs_network *chain(uint64_t *state, int layers, const char *shape, const char *const *ops,
                          int64_t op_count)
{
    mbs_error error;
    mbs_network *network = NULL;
    text out = TEXT_INIT;
    text_format(&out,
                "{\"format\":\"mbsopt-network/1\",\"name\":\"chain\",\"inputs\":[{\"name\":\"v0\","
                "\"shape\":[%s]}],\"layers\":[\n",
                shape);
    for (int i = 1; i <= layers; i++) {
        const bool sums = i > 2 && random_between(state, 0, 3) == 0;
        text_format(&out, "%s{\"name\":\"v%d\",", i == 1 ? "" : ",\n", i);
        if (sums)
            text_format(&out, "\"op\":\"add\",\"inputs\":[\"v%d\",\"v%d\"]}", i - 1,
                        (int)random_between(state, 1, i - 2));
        else
            text_format(&out, "%s,\"inputs\":[\"v%d\"]}",
                        ops[random_between(state, 0, op_count - 1)], i - 1);
    }
    text_string(&out, "]}");
    mbs_error_clear(&error);
    if (mbs_network_load_text(&network, out.data, out.length, "chain", &error) != MBS_OK)
        network = NULL;
    text_free(&out);
    return network;
}

mbs_network *random_chain(uint64_t *state, int layers, int scale, char label[RANDOM_LABEL_BYTES])
{
    char shape[64];
    const int64_t height = random_between(state, 3, 12) * scale;
    snprintf(label, RANDOM_LABEL_BYTES, "chain at state %" PRIu64, *state);
    const int64_t channels = random_between(state, 1, 60);
    const int64_t width = random_between(state, 3, 9) * scale;
    snprintf(shape, sizeof shape, "%d,%d,%d", (int)channels, (int)height, (int)width);
    return chain(state, layers, shape, image_ops, COUNT(image_ops));
}

mbs_network *random_volume(uint64_t *state, int layers, char label[RANDOM_LABEL_BYTES])
{
    char shape[64];
    snprintf(label, RANDOM_LABEL_BYTES, "volume at state %" PRIu64, *state);
    snprintf(shape, sizeof shape, "2,%d,%d,%d", (int)random_between(state, 1, 3),
             (int)random_between(state, 3, 9), (int)random_between(state, 2, 4));
    return chain(state, layers, shape, volume_ops, COUNT(volume_ops));
}
