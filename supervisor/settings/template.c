/* SPDX-License-Identifier: MIT */
#include "supervisor/settings/template.h"

#include <string.h>

#include "lib/base/result.h"
#include "lib/base/text.h"

static int template_parameter(const char **at, TemplatePart *ret) {
        const char *name = *at + strlen("${"), *end = strchr(name, '}');
        size_t length;

        if (!end)
                return -EINVAL;
        length = (size_t) (end - name);
        if (length >= sizeof ret->name)
                return -EINVAL;

        *ret = (TemplatePart) {};
        memcpy(ret->name, name, length);
        if (!text_is_identifier(ret->name))
                return -EINVAL;
        *at = end + 1;
        return 0;
}

int template_next(const char **at, TemplatePart *ret) {
        const char *s = *at;

        if (!*s)
                return TEMPLATE_E_END;
        if (s[0] == '$' && s[1] == '{')
                return template_parameter(at, ret);
        if (s[0] == '$' && s[1] != '$')
                return -EINVAL;

        *ret = s[0] == '$' ? (TemplatePart) { .text = s, .length = 1 } : (TemplatePart) { .text = s, .length = strcspn(s, "$") };
        *at = s + (s[0] == '$' ? 2 : ret->length);
        return 0;
}
