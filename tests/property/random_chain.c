#include "random_chain.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"

static const char *const ops[] = {
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
#define OP_CHOICES ((int64_t)(sizeof ops / sizeof ops[0]))

mbs_network *random_chain(uint64_t *state, int layers, int scale, char label[RANDOM_LABEL_BYTES])
{
    mbs_error error;
    mbs_network *network = NULL;
    text out = TEXT_INIT;
    const int64_t height = random_between(state, 3, 12) * scale;
    snprintf(label, RANDOM_LABEL_BYTES, "chain at state %" PRIu64, *state);
    text_format(&out,
                "{\"format\":\"mbsopt-network/1\",\"name\":\"chain\",\"inputs\":[{\"name\":\"v0\","
                "\"shape\":[%d,%d,%d]}],\"layers\":[\n",
                (int)random_between(state, 1, 60), (int)height,
                (int)random_between(state, 3, 9) * scale);
    for (int i = 1; i <= layers; i++) {
        const bool sums = i > 2 && random_between(state, 0, 3) == 0;
        text_format(&out, "%s{\"name\":\"v%d\",", i == 1 ? "" : ",\n", i);
        if (sums)
            text_format(&out, "\"op\":\"add\",\"inputs\":[\"v%d\",\"v%d\"]}", i - 1,
                        (int)random_between(state, 1, i - 2));
        else
            text_format(&out, "%s,\"inputs\":[\"v%d\"]}",
                        ops[random_between(state, 0, OP_CHOICES - 1)], i - 1);
    }
    text_string(&out, "]}");
    mbs_error_clear(&error);
    if (mbs_network_load_text(&network, out.data, out.length, "chain", &error) != MBS_OK)
        network = NULL;
    text_free(&out);
    return network;
}
