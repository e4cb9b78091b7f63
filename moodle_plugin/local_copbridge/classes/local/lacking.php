<?php
// This file is part of Moodle - http://moodle.org/
//
// Moodle is free software: you can redistribute it and/or modify
// it under the terms of the GNU General Public License as published by
// the Free Software Foundation, either version 3 of the License, or
// (at your option) any later version.
//
// Moodle is distributed in the hope that it will be useful,
// but WITHOUT ANY WARRANTY; without even the implied warranty of
// MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
// GNU General Public License for more details.
//
// You should have received a copy of the GNU General Public License
// along with Moodle.  If not, see <http://www.gnu.org/licenses/>.

namespace local_copbridge\local;

/**
 * What is still missing, in words.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class lacking {
    /**
     * Words for what is missing in a community.
     *
     * @param words $words the community's
     */
    public function __construct(
        /** @var words the community's */
        private readonly words $words,
    ) {
    }

    /**
     * All that is missing, line by line.
     *
     * @param \stdClass[] $missing objects of code and params
     * @return array[] arrays of text and ways (texts; empty for most)
     */
    public function lines(array $missing): array {
        $lines = [];
        foreach ($missing as $place => $lack) {
            $line = ['text' => $this->text($lack), 'ways' => []];
            if ($lack->code === 'any_of') {
                // What follows are the ways to it.
                $line['ways'] = array_map($this->text(...), array_slice($missing, $place + 1));
                $lines[] = $line;
                break;
            }
            $lines[] = $line;
        }
        return $lines;
    }

    /**
     * One thing that is missing.
     *
     * @param \stdClass $lack an object of code and params
     * @return string
     */
    public function text(\stdClass $lack): string {
        $p = (array) $lack->params;
        $count = (int) ($p['count'] ?? 1);
        return match ($lack->code) {
            'hours' => $this->hours($p),
            'activity' => $this->said('activity', $this->rule($p['rule'] ?? '')),
            'activities' => $this->several('activities', $count, ['rules' => implode(', ', $this->rules($p))]),
            'session' => $this->session($p),
            'sessions' => $this->sessions($p, $count),
            'milestone' => $this->milestone($p),
            'milestones' => $this->several('milestones', $count, ['milestone' => $this->named('milestone', $p)]),
            'cycles' => $this->several('cycles', $count, ['cycle' => $this->named('cycle', $p)]),
            'phase' => $this->phase($p),
            'any_of' => words::counted('missing_any_of', $count),
            'setting', 'calendar' => $this->said($lack->code),
            default => $this->said('other'),
        };
    }

    /**
     * A string about what is missing.
     *
     * @param string $key
     * @param mixed $a
     * @return string
     */
    private function said(string $key, mixed $a = null): string {
        return get_string("missing_$key", 'local_copbridge', $a);
    }

    /**
     * A string about several that are missing.
     *
     * @param string $key
     * @param int $count
     * @param array $a
     * @return string
     */
    private function several(string $key, int $count, array $a): string {
        return words::counted("missing_$key", $count, $a + ['count' => $count]);
    }

    /**
     * The program's name for what a parameter names.
     *
     * @param string $kind
     * @param array $p
     * @return string
     */
    private function named(string $kind, array $p): string {
        $code = (string) ($p[$kind] ?? '');
        return $this->words->name("$kind:$code", $code);
    }

    /**
     * What the activities of a rule are called.
     *
     * @param string $rule
     * @return string
     */
    private function rule(string $rule): string {
        return $this->words->name("rule:$rule", $rule);
    }

    /**
     * What the activities of several rules are called.
     *
     * @param array $p
     * @return string[]
     */
    private function rules(array $p): array {
        return array_map($this->rule(...), array_filter((array) ($p['rules'] ?? []), is_string(...)));
    }

    /**
     * The day of a session: the service writes its moment as ISO 8601 has it.
     *
     * @param array $p
     * @return string empty where it isn't known
     */
    private function day(array $p): string {
        $moment = $p['starts_at'] ?? null;
        $seconds = is_int($moment) ? $moment : strtotime((string) $moment);
        return $seconds ? $this->words->day($seconds) : '';
    }

    /**
     * Hours that are missing.
     *
     * @param array $p
     * @return string
     */
    private function hours(array $p): string {
        $hours = words::hours((int) ($p['minutes'] ?? 0));
        $component = (string) ($p['component'] ?? '');
        if ($component === '') {
            return $this->said('hours', $hours);
        }
        return $this->said('hours_component', ['hours' => $hours, 'component' => $this->words->component($component)]);
    }

    /**
     * A session that is missing.
     *
     * @param array $p
     * @return string
     */
    private function session(array $p): string {
        $title = ($p['title'] ?? '') ?: ($p['session'] ?? '');
        $day = $this->day($p);
        return match (true) {
            $title !== '' && $day !== '' => $this->said('session', ['title' => $title, 'day' => $day]),
            $day !== '' => $this->said('session_day', $day),
            default => $this->said('session_title', $title),
        };
    }

    /**
     * A number of sessions that are missing.
     *
     * @param array $p
     * @param int $count
     * @return string
     */
    private function sessions(array $p, int $count): string {
        $what = [];
        if (($p['kind'] ?? '') !== '') {
            $what[] = $this->words->name("session_kind:{$p['kind']}", $p['kind']);
        }
        if (($p['mode'] ?? '') !== '') {
            $what[] = $this->words->mode($p['mode']);
        }
        if (!$what) {
            return words::counted('missing_sessions', $count);
        }
        $key = $count === 1 ? 'sessions_one_of' : 'sessions_many_of';
        return $this->said($key, ['count' => $count, 'what' => implode(', ', $what)]);
    }

    /**
     * A milestone that is missing.
     *
     * @param array $p
     * @return string
     */
    private function milestone(array $p): string {
        $milestone = $this->named('milestone', $p);
        $day = $this->day($p);
        return $day === ''
            ? $this->said('milestone', $milestone)
            : $this->said('milestone_after', ['milestone' => $milestone, 'day' => $day]);
    }

    /**
     * A phase of a cycle that is missing.
     *
     * @param array $p
     * @return string
     */
    private function phase(array $p): string {
        $code = (string) ($p['phase'] ?? '');
        $phase = $this->words->name('phase:' . ($p['cycle'] ?? '') . ":$code", $code);
        $label = (string) ($p['label'] ?? '');
        return $label === '' ? $this->said('phase_begun', $phase) : $this->said('phase', ['phase' => $phase, 'label' => $label]);
    }
}
