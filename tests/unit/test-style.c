/* SPDX-License-Identifier: MIT */

/*
 * What doc/STYLE.md asks, as code that is compiled and run. The rules' numbers
 * are those of the document.
 */

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/owned.h"
#include "lib/base/result.h"
#include "lib/base/text.h"
#include "tests/kit/unit.h"

/* Rule 2: words come from one table. */
typedef enum Fruit {
        FRUIT_APPLE,
        FRUIT_PEAR,
        _FRUIT_MAX,
        _FRUIT_INVALID = -EINVAL,
} Fruit;

static const char *const fruit_words[_FRUIT_MAX] = {
        [FRUIT_APPLE] = "apple",
        [FRUIT_PEAR]  = "pear",
};

static const char *fruit_to_string(Fruit fruit) {
        assert(fruit >= 0 && fruit < _FRUIT_MAX);       /* Rule 7: our own mistake, if it happens */
        return fruit_words[fruit];
}

static Fruit fruit_from_string(const char *s) {
        for (size_t i = 0; i < ELEMENTSOF(fruit_words); i++)
                if (text_equal(fruit_words[i], s))
                        return (Fruit) i;
        return _FRUIT_INVALID;                          /* Rule 7: what comes from outside is no mistake of ours */
}

/* Rule 4: the outcomes that a caller may be told. */
#define BASKET_E_FULL 1         /* nothing was added */

/* Rule 3: units stand in names. */
typedef struct Basket {
        Fruit *fruits;
        size_t n_fruits, n_fruits_max;
        uint64_t fresh_usec;            /* how long a fruit keeps */
        int lid_fd;                     /* -1: open */
} Basket;

/* Rule 9: takes NULL and half of a basket, undoes in reverse order. */
static Basket *basket_free(Basket *basket) {
        if (!basket)
                return NULL;

        fd_closep(&basket->lid_fd);
        free(basket->fruits);
        free(basket);
        return NULL;
}
DEFINE_OWNED(Basket *, basket_free)

/* Rules 1 and 8: the noun, what it does, and who owns what at each moment. */
static int basket_new(Basket **ret, size_t n_fruits_max) {
        _cleanup_(basket_freep) Basket *basket = NULL;

        basket = calloc(1, sizeof *basket);
        if (!basket)
                return -ENOMEM;
        basket->lid_fd = -1;            /* Rule 9: before anything can fail */

        if (n_fruits_max > SIZE_MAX / sizeof *basket->fruits)
                return -ENOMEM;
        basket->fruits = calloc(n_fruits_max, sizeof *basket->fruits);
        if (!basket->fruits)
                return -ENOMEM;

        basket->n_fruits_max = n_fruits_max;
        *ret = MOVE(basket);
        return 0;
}

static int basket_add(Basket *basket, Fruit fruit) {
        assert(fruit >= 0 && fruit < _FRUIT_MAX);

        if (basket->n_fruits == basket->n_fruits_max)
                return BASKET_E_FULL;
        basket->fruits[basket->n_fruits++] = fruit;
        return 0;
}

/* Rule 4: an outcome ends at its caller, which makes its own of it. */
static int basket_fill(Basket *basket, Fruit fruit) {
        int r;

        do
                r = basket_add(basket, fruit);
        while (r == 0);
        return r == BASKET_E_FULL ? 0 : r;
}

/* Rules 5 and 6: the call, its check, and errno turned on the spot. */
static int lid_open(const char *path) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        return fd < 0 ? result_errno() : fd;
}

/* Rule 10: the lid is the basket's on success, and the caller's else. */
static int basket_take_lid(Basket *basket, int fd) {
        if (basket->lid_fd >= 0)
                return -EBUSY;
        basket->lid_fd = fd;
        return 0;
}

/* Rule 11: more than five things travel together, results come last. */
typedef struct PickSpec {
        const char *tree, *picker;
        Fruit fruit;
        size_t n_wanted, n_hanging;
        bool also_unripe;
} PickSpec;

static int pick(const PickSpec *spec, size_t *ret_n) {
        if (spec->n_hanging == 0 && !spec->also_unripe)
                return -ENOENT;                         /* and *@ret_n is what it was */
        *ret_n = spec->n_wanted < spec->n_hanging ? spec->n_wanted : spec->n_hanging;
        return 0;
}

/* Rule 12: policy is arithmetic, and the time is a value. */
static bool basket_is_fresh(const Basket *basket, uint64_t picked_usec, uint64_t now_usec) {
        return usec_sub(now_usec, picked_usec) <= basket->fresh_usec;
}

/* Rule 13: find the object, say what happened, 0. */
static int basket_on_fruit(Fruit fruit, void *userdata) {
        Basket *basket = userdata;

        (void) basket_add(basket, fruit);               /* full: the fruit stays on the tree */
        return 0;
}

/* Rule 2 */
static void every_word_is_read_back(void **state) {
        for (Fruit fruit = 0; fruit < _FRUIT_MAX; fruit++)
                assert_int_equal(fruit_from_string(fruit_to_string(fruit)), fruit);
        assert_int_equal(fruit_from_string("stone"), _FRUIT_INVALID);
}

/* Rules 4, 13 and 15 */
static void a_full_basket_takes_nothing_more(void **state) {
        _cleanup_(basket_freep) Basket *basket = NULL;

        assert_int_equal(basket_new(&basket, 3), 0);
        assert_int_equal(basket_fill(basket, FRUIT_PEAR), 0);
        assert_int_equal(basket_add(basket, FRUIT_APPLE), BASKET_E_FULL);
        assert_int_equal(basket_on_fruit(FRUIT_APPLE, basket), 0);
        assert_int_equal(basket->n_fruits, 3);
}

/* Rule 4: where no outcome can be, one is a mistake of ours and not a success. */
static void an_outcome_that_nobody_expects_is_a_failure(void **state) {
        assert_int_equal(result_strict(BASKET_E_FULL), -ENOTRECOVERABLE);
        assert_int_equal(result_strict(0), 0);
        assert_int_equal(result_strict(-ENOENT), -ENOENT);
}

/* Rules 8 and 9 */
static void half_a_basket_is_freed_like_a_whole_one(void **state) {
        Basket *basket = NULL;

        assert_int_equal(basket_new(&basket, SIZE_MAX), -ENOMEM);
        assert_null(basket);
        assert_null(basket_free(NULL));
}

/* Rules 5 and 6 */
static void a_missing_lid_is_told_as_the_kernel_tells_it(void **state) {
        assert_int_equal(lid_open("/nowhere/lid"), -ENOENT);
}

/* Rule 10 */
static void a_second_lid_stays_the_callers(void **state) {
        _cleanup_(basket_freep) Basket *basket = NULL;
        _cleanup_(fd_closep) int first = lid_open("/dev/null"), second = lid_open("/dev/null");

        assert_int_equal(basket_new(&basket, 1), 0);
        assert_int_equal(basket_take_lid(basket, first), 0);
        first = -1;                     /* from here on the basket's */
        assert_int_equal(basket_take_lid(basket, second), -EBUSY);
        assert_true(fcntl(second, F_GETFD) >= 0);
}

/* Rule 11 */
static void a_failure_leaves_the_result_as_it_was(void **state) {
        size_t n = 42;

        assert_int_equal(pick(&(PickSpec) { .tree = "old", .picker = "Eve", .fruit = FRUIT_APPLE, .n_wanted = 2 }, &n), -ENOENT);
        assert_int_equal(n, 42);
        assert_int_equal(pick(&(PickSpec) { .tree = "old", .n_wanted = 2, .n_hanging = 5 }, &n), 0);
        assert_int_equal(n, 2);
}

/* Rules 3 and 12 */
static void a_fruit_keeps_as_long_as_the_basket_says(void **state) {
        const Basket basket = { .fresh_usec = 7 * USEC_PER_SEC, .lid_fd = -1 };

        assert_true(basket_is_fresh(&basket, 10, 10 + 7 * USEC_PER_SEC));
        assert_false(basket_is_fresh(&basket, 10, 11 + 7 * USEC_PER_SEC));
}

static char *read_source(const char *name) {
        const char *source = getenv("BGT_SOURCE_DIR");
        _cleanup_(freep) char *path = text_format("%s/%s", source ? source : ".", name);
        _cleanup_(fd_closep) int fd = path ? lid_open(path) : -1;
        char *text = calloc(1, 65536);

        if (text && (fd < 0 || read(fd, text, 65535) <= 0))
                text[0] = '\0';
        return text;
}

/* Whether a comment of @text speaks of the rule: `Rule 4: …`, `Rules 3 and 12`. */
static bool has_example(const char *text, int rule) {
        for (const char *comment = text; (comment = strstr(comment, "/* Rule")); comment++)
                for (const char *c = comment + 7; *c && !strchr(":/\n", *c); c++)
                        if (c[0] == ' ' && strtol(c, NULL, 10) == rule)
                                return true;
        return false;
}

/* Rule 14: what is said in one place is shown in the other. */
static void every_rule_of_the_document_has_an_example_here(void **state) {
        _cleanup_(freep) char *document = read_source("doc/STYLE.md"), *examples = read_source("tests/unit/test-style.c");
        int n_rules = 0;

        assert_true(document && examples);
        for (const char *line = document; (line = strstr(line, "\n**")); line += 3)
                if (line[3] >= '0' && line[3] <= '9') {
                        assert_int_equal(strtol(line + 3, NULL, 10), ++n_rules);
                        if (!has_example(examples, n_rules))
                                fail_msg("rule %d has no example", n_rules);
                }
        assert_true(n_rules > 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_word_is_read_back),
                cmocka_unit_test(a_full_basket_takes_nothing_more),
                cmocka_unit_test(an_outcome_that_nobody_expects_is_a_failure),
                cmocka_unit_test(half_a_basket_is_freed_like_a_whole_one),
                cmocka_unit_test(a_missing_lid_is_told_as_the_kernel_tells_it),
                cmocka_unit_test(a_second_lid_stays_the_callers),
                cmocka_unit_test(a_failure_leaves_the_result_as_it_was),
                cmocka_unit_test(a_fruit_keeps_as_long_as_the_basket_says),
                cmocka_unit_test(every_rule_of_the_document_has_an_example_here),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
