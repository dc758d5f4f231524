/* SPDX-License-Identifier: GPL-2.0-only */
/* filter.c: verdicts to a seccomp program (filter.h says how). */
#include "policy/filter.h"

#include "src/core/util.h"
#include "src/core/wire.h"

#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>

/* ---- verdicts and conditions ---- */

struct filter *filter_new(void) { return calloc(1, sizeof(struct filter)); }

void filter_free(struct filter *filter)
{
    if (filter == NULL)
        return;
    for (size_t nr = 0; nr < RSYS_CALLS_MAX; nr++)
        for (size_t i = 0; i < FILTER_STAGES; i++)
            free(filter->call[nr].stage[i].conditions);
    free(filter);
}

uint32_t filter_errno(int code) { return SECCOMP_RET_ERRNO | ((uint32_t)code & SECCOMP_RET_DATA); }

void filter_add(struct filter *filter, struct filter_stage *stage, uint32_t verdict, const struct rsys_wire_compare *compare, unsigned count)
{
    if (stage->count == stage->room) {
        size_t room = stage->room == 0 ? 8 : stage->room * 2;
        struct filter_condition *grown = reallocarray(stage->conditions, room, sizeof *grown);
        if (grown == NULL) {
            filter->failed = true;
            return;
        }
        stage->conditions = grown;
        stage->room = room;
    }
    struct filter_condition *condition = &stage->conditions[stage->count++];
    *condition = (struct filter_condition){.verdict = verdict, .count = count};
    memcpy(condition->compare, compare, count * sizeof *compare);
}

void filter_add_masked(struct filter *filter, struct filter_stage *stage, uint32_t verdict, uint8_t index, uint64_t mask, uint64_t value)
{
    struct rsys_wire_compare compare = {.value = mask, .value_two = value, .index = index, .op = RSYS_CMP_MASKED_EQ};
    filter_add(filter, stage, verdict, &compare, 1);
}

void filter_add_rules(struct filter *filter, struct filter_stage *stage, const struct rsys_rules *rules, const struct rsys_call *call,
                      filter_verdict *verdict)
{
    size_t first = 0, end;
    while (first < rules->count && rules->rules[first].nr < call->nr)
        first++;
    for (end = first; end < rules->count && rules->rules[end].nr == call->nr;)
        end++;
    for (int action = RSYS_ACTION_KILL; action >= RSYS_ACTION_LOCAL; action--)
        for (size_t i = first; i < end; i++) {
            const struct rsys_wire_rule *rule = &rules->rules[i];
            if (rule->action != action)
                continue;
            uint32_t said = verdict(rules, call, rule->action, rule->error);
            if (rule->compares == 0) { /* what is less strict is never reached */
                stage->otherwise = said;
                return;
            }
            filter_add(filter, stage, said, rule->compare, rule->compares);
        }
    stage->otherwise = verdict(rules, call, rules->default_action, rules->default_error);
}

uint32_t filter_unknown_verdict(const struct rsys_rules *rules)
{
    if (rules->default_action == RSYS_ACTION_KILL)
        return SECCOMP_RET_KILL_PROCESS;
    if (rules->default_action == RSYS_ACTION_TRAP)
        return SECCOMP_RET_TRAP | (rules->default_error & SECCOMP_RET_DATA);
    return filter_errno(rules->default_action == RSYS_ACTION_DENY ? rules->default_error : ENOSYS);
}

/* ---- the blocks of calls whose arguments count ---- */

struct program {
    struct sock_filter *code; /* owned */
    size_t count, room;
    bool failed;
};

static size_t emit(struct program *program, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
    if (program->count == program->room) {
        size_t room = program->room == 0 ? 1024 : program->room * 2;
        struct sock_filter *grown = reallocarray(program->code, room, sizeof *grown);
        if (grown == NULL) {
            program->failed = true;
            return 0;
        }
        program->code = grown;
        program->room = room;
    }
    program->code[program->count] = (struct sock_filter){code, jt, jf, k};
    return program->count++;
}

/* Jumps within a condition whose targets are not known yet; the code of one is far shorter. */
#define TO_PASS 254 /* behind this comparison: it holds */
#define TO_FAIL 255 /* behind this condition: it does not */

static void patch(struct program *program, size_t from, uint8_t mark)
{
    for (size_t i = from; i < program->count; i++) {
        struct sock_filter *at = &program->code[i];
        if (BPF_CLASS(at->code) != BPF_JMP || BPF_OP(at->code) == BPF_JA)
            continue;
        uint8_t distance = (uint8_t)(program->count - i - 1);
        at->jt = at->jt == mark ? distance : at->jt;
        at->jf = at->jf == mark ? distance : at->jf;
    }
}

#define JUMP(op) (BPF_JMP | (op) | BPF_K)

static void load_half(struct program *program, uint8_t index, bool high)
{
    emit(program, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offsetof(struct seccomp_data, args) + index * 8u + (high ? 4 : 0));
}

/* 64 bits in two halves, the high one first. */
static void emit_compare(struct program *program, const struct rsys_wire_compare *compare)
{
    uint32_t high = (uint32_t)(compare->value >> 32), low = (uint32_t)compare->value;
    size_t start = program->count;
    bool masked = compare->op == RSYS_CMP_MASKED_EQ;
    uint32_t high_mask = high, low_mask = low;
    if (masked) {
        high = (uint32_t)(compare->value_two >> 32);
        low = (uint32_t)compare->value_two;
    }
    if (!masked || high_mask != 0 || high != 0) {
        load_half(program, compare->index, true);
        if (masked && high_mask != UINT32_MAX)
            emit(program, BPF_ALU | BPF_AND | BPF_K, 0, 0, high_mask);
        if (compare->op == RSYS_CMP_GT || compare->op == RSYS_CMP_GE)
            emit(program, JUMP(BPF_JGT), TO_PASS, 0, high);
        else if (compare->op == RSYS_CMP_LT || compare->op == RSYS_CMP_LE)
            emit(program, JUMP(BPF_JGT), TO_FAIL, 0, high);
        bool differing_holds = compare->op == RSYS_CMP_NE || compare->op == RSYS_CMP_LT || compare->op == RSYS_CMP_LE;
        emit(program, JUMP(BPF_JEQ), 0, differing_holds ? TO_PASS : TO_FAIL, high);
    }
    load_half(program, compare->index, false);
    if (masked && low_mask != UINT32_MAX)
        emit(program, BPF_ALU | BPF_AND | BPF_K, 0, 0, low_mask);
    switch (compare->op) {
    case RSYS_CMP_NE:
        emit(program, JUMP(BPF_JEQ), TO_FAIL, 0, low);
        break;
    case RSYS_CMP_LT:
        emit(program, JUMP(BPF_JGE), TO_FAIL, 0, low);
        break;
    case RSYS_CMP_LE:
        emit(program, JUMP(BPF_JGT), TO_FAIL, 0, low);
        break;
    case RSYS_CMP_GE:
        emit(program, JUMP(BPF_JGE), 0, TO_FAIL, low);
        break;
    case RSYS_CMP_GT:
        emit(program, JUMP(BPF_JGT), 0, TO_FAIL, low);
        break;
    default: /* EQ, MASKED_EQ */
        emit(program, JUMP(BPF_JEQ), 0, TO_FAIL, low);
        break;
    }
    patch(program, start, TO_PASS);
}

/* Jumps to the next stage are written as a RET of FILTER_NEXT_STAGE and made jumps when it begins. */
static void emit_verdict(struct program *program, uint32_t verdict)
{
    emit(program, BPF_RET | BPF_K, 0, 0, verdict);
}

static void stage_begins(struct program *program, size_t from)
{
    for (size_t i = from; i < program->count; i++)
        if (program->code[i].code == (BPF_RET | BPF_K) && program->code[i].k == FILTER_NEXT_STAGE)
            program->code[i] = (struct sock_filter){BPF_JMP | BPF_JA, 0, 0, (uint32_t)(program->count - i - 1)};
}

static void emit_block(struct program *program, const struct filter_call *call)
{
    size_t start = program->count;
    for (size_t i = 0; i < FILTER_STAGES; i++) {
        const struct filter_stage *stage = &call->stage[i];
        stage_begins(program, start);
        for (size_t j = 0; j < stage->count; j++) {
            const struct filter_condition *condition = &stage->conditions[j];
            size_t from = program->count;
            for (unsigned c = 0; c < condition->count; c++)
                emit_compare(program, &condition->compare[c]);
            emit_verdict(program, condition->verdict);
            patch(program, from, TO_FAIL);
        }
        emit_verdict(program, stage->otherwise);
    }
}

/* ---- the frame ---- */

static bool is_conditional(const struct filter_call *call)
{
    for (size_t i = 0; i < FILTER_STAGES; i++) {
        if (call->stage[i].count > 0)
            return true;
        if (call->stage[i].otherwise != FILTER_NEXT_STAGE)
            break;
    }
    return false;
}

static uint32_t plain_verdict(const struct filter_call *call)
{
    size_t i = 0;
    while (i + 1 < FILTER_STAGES && call->stage[i].otherwise == FILTER_NEXT_STAGE)
        i++;
    return call->stage[i].otherwise;
}

/* What libseccomp is told of a call.  It takes data with errors alone, so other verdicts with data have a block too. */
static uint32_t frame_verdict(const struct filter *filter, uint64_t nr)
{
    uint32_t plain = plain_verdict(&filter->call[nr]);
    bool block = is_conditional(&filter->call[nr]) || ((plain & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ERRNO && (plain & SECCOMP_RET_DATA) != 0);
    return block ? SECCOMP_RET_TRACE | (uint32_t)nr : plain;
}

/* The time that libseccomp takes grows with the square of its rules: the verdict that most calls have is its default, and has none.  Then the default has
 * a block, which sees to the numbers that are not in the table. */
#define MARK_DEFAULT (SECCOMP_RET_TRACE | 0xffffu)

static uint32_t commonest_verdict(const struct filter *filter)
{
    struct {
        uint32_t verdict;
        unsigned count;
    } seen[RSYS_CALLS_MAX] = {{0, 0}};
    size_t kinds = 0, best = 0;
    for (uint64_t nr = 0; nr < RSYS_CALLS_MAX; nr++) {
        if (rsys_call_by_number(nr) == NULL || is_conditional(&filter->call[nr]))
            continue;
        uint32_t verdict = plain_verdict(&filter->call[nr]);
        size_t i = 0;
        while (i < kinds && seen[i].verdict != verdict)
            i++;
        if (i == kinds) {
            seen[kinds].verdict = verdict;
            seen[kinds++].count = 0;
        }
        if (++seen[i].count > seen[best].count)
            best = i;
    }
    return kinds > 0 ? seen[best].verdict : filter->unknown;
}

static void emit_default(const struct filter *filter, uint32_t common, struct program *program)
{
    emit(program, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offsetof(struct seccomp_data, nr));
    for (uint32_t first = 0, end; first < RSYS_CALLS_MAX; first = end) {
        bool known = rsys_call_by_number(first) != NULL;
        for (end = first; end < RSYS_CALLS_MAX && (rsys_call_by_number(end) != NULL) == known;)
            end++;
        if (end == RSYS_CALLS_MAX && !known)
            break; /* as those above */
        /* Runs in their order: what is below this one has been answered. */
        emit(program, JUMP(BPF_JGE), 1, 0, end);
        emit_verdict(program, known ? common : filter->unknown);
    }
    if (filter->report != 0) {
        emit(program, JUMP(BPF_JGE), 0, 2, RSYS_OP_REPORT);
        emit(program, JUMP(BPF_JGE), 1, 0, RSYS_OP_REPORT_END);
        emit_verdict(program, filter->report);
    }
    emit_verdict(program, filter->unknown);
}

static int frame(const struct filter *filter, scmp_filter_ctx context, uint32_t common, struct rsys_error **err)
{
    /* Without these a call of another kind would be looked up in x86-64's numbers. */
    int result = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (result == 0)
        result = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    for (uint64_t nr = 0; result == 0 && nr < RSYS_CALLS_MAX; nr++) {
        if (rsys_call_by_number(nr) == NULL || (!is_conditional(&filter->call[nr]) && plain_verdict(&filter->call[nr]) == common))
            continue; /* the default already */
        uint32_t verdict = frame_verdict(filter, nr);
        result = seccomp_rule_add_exact_array(context, verdict, (int)nr, 0, NULL);
        if (result < 0)
            return rsys_error_make(err, -result, "make the filter of %s", rsys_call_by_number(nr)->name);
    }
    return result == 0 ? 0 : rsys_error_make(err, -result, "make a seccomp filter");
}

/* libseccomp's program, through a file: its export to memory is newer than Debian 12's. */
static int export_frame(scmp_filter_ctx context, struct program *program, struct rsys_error **err)
{
    RSYS_AUTO_FD fd = memfd_create("filter", MFD_CLOEXEC);
    if (fd < 0)
        return rsys_error_make(err, errno, "make a memory file");
    int result = seccomp_export_bpf(context, fd);
    if (result < 0)
        return rsys_error_make(err, -result, "export a seccomp filter");
    struct sock_filter instruction;
    for (off_t at = 0; pread(fd, &instruction, sizeof instruction, at) == (ssize_t)sizeof instruction; at += (off_t)sizeof instruction)
        emit(program, instruction.code, instruction.jt, instruction.jf, instruction.k);
    return 0;
}

/* The markers become jumps to the blocks. */
static void append_blocks(const struct filter *filter, uint32_t common, struct program *program)
{
    size_t frame_count = program->count;
    for (size_t i = 0; i < frame_count && !program->failed; i++) {
        struct sock_filter marker = program->code[i];
        if (marker.code != (BPF_RET | BPF_K) || (marker.k & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_TRACE)
            continue;
        program->code[i] = (struct sock_filter){BPF_JMP | BPF_JA, 0, 0, (uint32_t)(program->count - i - 1)};
        if (marker.k == MARK_DEFAULT)
            emit_default(filter, common, program);
        else
            emit_block(program, &filter->call[marker.k & SECCOMP_RET_DATA]);
    }
}

int filter_build(const struct filter *filter, struct sock_filter **ret_program, unsigned *ret_count, struct rsys_error **err)
{
    struct program program = {0};
    uint32_t common = commonest_verdict(filter);
    /* Level 5: user notifications.  Told so, libseccomp does not ask the kernel here what the kernel there can do. */
    seccomp_api_set(5);
    scmp_filter_ctx context = seccomp_init(MARK_DEFAULT);
    if (context == NULL || filter->failed) {
        seccomp_release(context);
        return rsys_error_make(err, ENOMEM, "make a seccomp filter");
    }
    int result = frame(filter, context, common, err);
    if (result == 0)
        result = export_frame(context, &program, err);
    seccomp_release(context);
    if (result == 0) {
        append_blocks(filter, common, &program);
        if (program.failed)
            result = rsys_error_make(err, ENOMEM, "make a seccomp filter");
        else if (program.count > BPF_MAXINSNS)
            result = rsys_error_make(err, 0, "the policy's filter has %zu instructions, and the kernel takes %d: write fewer conditions on arguments",
                                     program.count, BPF_MAXINSNS);
    }
    if (result < 0) {
        free(program.code);
        return -1;
    }
    *ret_program = program.code;
    *ret_count = (unsigned)program.count;
    return 0;
}
