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
 * Hours as people type and read them, for the activity's form and the grid.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class hours_input {
    /** @var int|null|false minutes; null where the field is empty, false where it can't be read */
    public readonly int|null|false $minutes;

    /** @var string a component's code, or '' */
    public readonly string $component;

    /**
     * Reads what was typed.
     *
     * @param string $hours
     * @param string $component
     */
    public function __construct(string $hours, string $component) {
        $this->minutes = self::parse($hours);
        $this->component = trim($component);
    }

    /**
     * Minutes out of hours as people type them: 1.5, 1,5 or 1:30.
     *
     * Point and comma are both taken, whatever the language: with at most 100 hours and two decimals
     * neither can be meant to part thousands.
     *
     * @param string $typed
     * @return int|null|false null: empty; false: can't be read
     */
    public static function parse(string $typed): int|null|false {
        $typed = trim(str_replace("\u{a0}", ' ', $typed));
        if ($typed === '') {
            return null;
        }
        if (preg_match('/^(\d{1,4}):([0-5]\d)$/D', $typed, $m)) {
            return 60 * (int) $m[1] + (int) $m[2];
        }
        $number = str_replace([get_string('decsep', 'langconfig'), ','], '.', $typed);
        if (!preg_match('/^(\d{1,4}(\.\d{0,2})?|\.\d{1,2})$/D', $number)) {
            return false;
        }
        return (int) round(60 * (float) $number);
    }

    /**
     * Hours as they are shown in a field, in the reader's language. What parse() makes of it is the same again.
     *
     * @param int|null $minutes
     * @return string
     */
    public static function format(?int $minutes): string {
        return $minutes === null ? '' : format_float($minutes / 60, 2, true, true);
    }

    /**
     * The components that a course's program knows, for a select.
     *
     * @param \stdClass|null $course what standings::course() knows of it
     * @param string $current what is declared now: it stays a choice
     * @return string[]|null words by code; null where the service has told nothing yet
     */
    public static function components(?\stdClass $course, string $current = ''): ?array {
        if (empty($course->components)) {
            return null;
        }
        $choices = ['' => get_string('sethours_undecided', 'local_copbridge')];
        foreach ([...$course->components, $current] as $code) {
            if ($code !== '') {
                $word = words::of_course($course)->component($code);
                $choices[$code] = \core_text::strtoupper(\core_text::substr($word, 0, 1)) . \core_text::substr($word, 1);
            }
        }
        return $choices;
    }

    /**
     * What is wrong with what was typed.
     *
     * @return string[] messages by field: hours, component
     */
    public function problems(): array {
        if ($this->minutes === false) {
            return ['hours' => get_string('sethours_notanumber', 'local_copbridge', self::format(90))];
        }
        if ($this->minutes !== null && $this->minutes > hours::MAX_MINUTES) {
            return ['hours' => get_string('sethours_toomany', 'local_copbridge', intdiv(hours::MAX_MINUTES, 60))];
        }
        if ($this->component !== '' && !preg_match(hours::COMPONENT, $this->component)) {
            return ['component' => get_string('sethours_badcomponent', 'local_copbridge')];
        }
        if ($this->minutes === null && $this->component !== '') {
            return ['hours' => get_string('sethours_alone', 'local_copbridge')];
        }
        return [];
    }

    /**
     * What was typed, in the words of hours::state().
     *
     * @return string
     */
    public function state(): string {
        return $this->minutes === null ? '' : $this->minutes . ':' . $this->component;
    }

    /**
     * Whether there is something to write.
     *
     * What the person left as it was is never written: it may be outdated by now.
     *
     * @param \stdClass|null $row as it is now
     * @param string $seen the state that the form was opened with
     * @return bool
     */
    public function changes(?\stdClass $row, string $seen): bool {
        return !in_array($this->state(), [$seen, hours::state($row)], true);
    }

    /**
     * Whether somebody else changed, meanwhile, what this would write over.
     *
     * @param \stdClass|null $row as it is now
     * @param string $seen the state that the form was opened with
     * @return string|null a message, null where all is well
     */
    public function conflict(?\stdClass $row, string $seen): ?string {
        if (!$this->changes($row, $seen) || hours::state($row) === $seen) {
            return null;
        }
        if (!$row) {
            return get_string('sethours_goneby', 'local_copbridge');
        }
        $user = \core_user::get_user($row->usermodified);
        return get_string('sethours_changedby', 'local_copbridge', [
            'who' => $user ? fullname($user) : '?',
            'hours' => self::format((int) $row->minutes),
            'component' => $row->component === ''
                ? get_string('sethours_undecided', 'local_copbridge')
                : words::of_course(standings::course((int) $row->courseid))->component($row->component),
        ]);
    }
}
