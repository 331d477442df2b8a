/* The DRAM regions that traces and command streams use, as CSV. */
#include "emit/dram_layout.h"
#include "emit/exporter.h"

mbs_status export_addresses(exporter *e)
{
    dram_layout *layout;
    text *out = sink_text(e->out);
    mbs_status status = dram_layout_create(&layout, e->plan, &e->watch, e->error);
    if (status != MBS_OK)
        return status;
    text_string(out, "address,bytes,content,name,first_group,last_group\n");
    for (int32_t i = 0; i < layout->region_count && sink_flush(e->out); i++) {
        const dram_region *region = &layout->regions[i];
        text_format(out, "0x%llx,%lld,%s,", (unsigned long long)region->address,
                    (long long)region->bytes, dram_content_name(region->content));
        text_csv_field(out, region->name);
        if (region->bytes > 0)
            text_format(out, ",%d,%d\n", (int)region->first, (int)region->last);
        else
            text_string(out, ",,\n");
    }
    dram_layout_free(layout);
    return MBS_OK;
}
