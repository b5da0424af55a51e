#include "cli/progress.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    DRAW_TERMINAL_MS = 1000,
    DRAW_PLAIN_MS = 10 * 1000,
    RATE_MS = 3000, /* a rate over less time jumps about, over more it hides a stall */
};

const char *ftf_progress_number(double value, char text[16]) {
    static const char *const units[] = {"", " k", " M", " G"};
    size_t unit = 0;
    while (value >= 999.5 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1000;
        unit++;
    }
    int digits = unit == 0 ? 0 : value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    snprintf(text, 16, "%.*f%s", digits, value, units[unit]);
    return text;
}

const char *ftf_progress_time(uint64_t ms, char text[16]) {
    uint64_t s = ms / 1000;
    if (s >= 3600) {
        snprintf(text, 16, "%u:%02u:%02u", (unsigned)(s / 3600 % 10000), (unsigned)(s / 60 % 60), (unsigned)(s % 60));
    } else {
        snprintf(text, 16, "%u:%02u", (unsigned)(s / 60), (unsigned)(s % 60));
    }
    return text;
}

static void add_findings(const ftf_progress_snapshot *s, ftf_text *out) {
    ftf_text_printf(out, "findings %u", s->blamed);
    if (s->kind_count > 0) {
        ftf_text_str(out, " (");
        for (uint32_t i = 0; i < s->kind_count; i++) {
            ftf_text_printf(out, "%s%s %u", i > 0 ? ", " : "", s->kinds[i].kind, s->kinds[i].count);
        }
        ftf_text_char(out, ')');
    }
    if (s->other > 0) {
        ftf_text_printf(out, " + %u not the extension's", s->other);
    }
}

void ftf_progress_format(const ftf_progress_snapshot *s, ftf_text *out) {
    char elapsed[16], limit[16], scenarios[16], calls[16];
    ftf_text_str(out, ftf_progress_time(s->elapsed_ms, elapsed));
    if (s->limit_ms > 0) {
        ftf_text_printf(out, "/%s", ftf_progress_time(s->limit_ms, limit));
    }
    ftf_text_printf(out, "  %s scenarios/s  %s calls/s", ftf_progress_number(s->scenarios_per_s, scenarios),
                    ftf_progress_number(s->calls_per_s, calls));
    if (s->counters.features > 0) {
        ftf_text_printf(out, "  cov %" PRIu64, s->counters.features);
    }
    ftf_text_str(out, "  ");
    add_findings(s, out);
    ftf_text_printf(out, "  steals %" PRIu64, s->counters.steals);
    if (s->counters.cold > 0) {
        ftf_text_printf(out, "  cold %" PRIu64, s->counters.cold);
    }
    if (s->counters.starts > 0) {
        ftf_text_printf(out, "  starts %" PRIu64, s->counters.starts);
    }
}

/* ---- drawing ----------------------------------------------------------------------------------------------------- */

void ftf_progress_view_init(ftf_progress_view *view, bool quiet) {
    *view = (ftf_progress_view){.terminal = isatty(STDERR_FILENO) == 1, .quiet = quiet};
}

void ftf_progress_view_clear(ftf_progress_view *view) {
    if (view->terminal && view->drawn) {
        fputs("\r\033[K", stderr);
        view->drawn = false;
    }
}

static int terminal_width(void) {
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static void update_rates(ftf_progress_view *view, const ftf_counters *counters, uint64_t now_ms) {
    uint64_t span = now_ms - view->rate_ms;
    if (view->rate_ms == 0) {
        view->rate_ms = now_ms;
    } else if (span >= RATE_MS) {
        view->scenarios_per_s = (double)(counters->scenarios - view->rate_scenarios) * 1000.0 / (double)span;
        view->calls_per_s = (double)(counters->calls - view->rate_calls) * 1000.0 / (double)span;
        view->rate_ms = now_ms;
        view->rate_scenarios = counters->scenarios;
        view->rate_calls = counters->calls;
    }
}

void ftf_progress_view_update(ftf_progress_view *view, ftf_progress_snapshot *snapshot, uint64_t now_ms) {
    update_rates(view, &snapshot->counters, now_ms);
    uint64_t every = view->terminal ? DRAW_TERMINAL_MS : DRAW_PLAIN_MS;
    if (view->quiet || now_ms - view->drawn_ms < every) {
        return;
    }
    snapshot->scenarios_per_s = view->scenarios_per_s;
    snapshot->calls_per_s = view->calls_per_s;
    ftf_text line = {0};
    ftf_progress_format(snapshot, &line);
    if (view->terminal) {
        fprintf(stderr, "\r\033[K%.*s", terminal_width() - 1, line.data);
        view->drawn = true;
    } else {
        fprintf(stderr, "ftfuzz: %s\n", line.data);
    }
    fflush(stderr);
    ftf_text_release(&line);
    view->drawn_ms = now_ms;
}

void ftf_progress_view_say(ftf_progress_view *view, const char *format, ...) {
    va_list args;
    ftf_progress_view_clear(view);
    va_start(args, format);
    fputs("ftfuzz: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    view->drawn_ms = view->terminal ? 0 : view->drawn_ms; /* the line comes back at once */
}
