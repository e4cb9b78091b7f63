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

use core\output\notification;
use local_copbridge\event\identity_confirmed;
use local_copbridge\event\letters_discarded;
use local_copbridge\event\letters_retried;
use local_copbridge\output\status\advice;

/**
 * What an administrator can do on the status page.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class status_actions {
    /**
     * What has to be confirmed first.
     *
     * @param string $action
     * @param int $letter
     * @return string[]|null title, text (HTML) and button; null: nothing
     */
    public static function question(string $action, int $letter): ?array {
        global $CFG;
        $a = match ($action) {
            'same', 'other' => ['before' => s(settings::get('wwwroot')), 'now' => s($CFG->wwwroot)],
            'discard' => $letter,
            'discardall' => self::dead(),
            default => null,
        };
        if ($a === null) {
            return null;
        }
        return [
            'title' => get_string("admin_{$action}_title", 'local_copbridge'),
            'text' => get_string("admin_{$action}_confirm", 'local_copbridge', $a),
            'button' => get_string("admin_{$action}_button", 'local_copbridge'),
        ];
    }

    /**
     * Does it.
     *
     * @param string $action
     * @param int $letter the row that was given up, where the action is about one
     * @param sender|null $sender null: the one that really sends
     * @return string[] message (HTML), and its kind
     */
    public static function perform(string $action, int $letter = 0, ?sender $sender = null): array {
        return match ($action) {
            'test' => self::test($sender ?? new sender()),
            'same', 'other' => self::identity($action),
            'retry' => self::retried($letter ? outbox::retry([$letter]) : 0),
            'retryall' => self::retried(outbox::retry()),
            'discard' => self::discarded($letter ? outbox::discard([$letter]) : 0),
            'discardall' => self::discarded(outbox::discard()),
            default => throw new \moodle_exception('invalidaction', 'error'),
        };
    }

    /**
     * Tests the connection.
     *
     * @param sender $sender
     * @return string[]
     */
    private static function test(sender $sender): array {
        $result = $sender->test();
        if ($result->good()) {
            return [get_string('admin_test_good', 'local_copbridge'), notification::NOTIFY_SUCCESS];
        }
        return [advice::sentence($result), notification::NOTIFY_ERROR];
    }

    /**
     * Notes which site this is.
     *
     * @param string $answer same or other
     * @return string[]
     */
    private static function identity(string $answer): array {
        global $CFG;
        if (identity::confirmed()) {
            // Somebody else was faster, or the page was old: to become another site now would cut this one off.
            return [get_string('admin_identity_settled', 'local_copbridge'), notification::NOTIFY_INFO];
        }
        $event = identity_confirmed::create([
            'other' => ['answer' => $answer, 'before' => settings::get('wwwroot'), 'now' => $CFG->wwwroot],
        ]);
        $answer === 'same' ? identity::confirm_same() : identity::become_new();
        $event->trigger();
        return [get_string("admin_{$answer}_done", 'local_copbridge'), notification::NOTIFY_SUCCESS];
    }

    /**
     * Says how many are sent again.
     *
     * @param int $count
     * @return string[]
     */
    private static function retried(int $count): array {
        if ($count === 0) {
            return [get_string('admin_letters_gone', 'local_copbridge'), notification::NOTIFY_INFO];
        }
        letters_retried::create(['other' => ['count' => $count]])->trigger();
        return [words::counted('admin_letters_retried', $count), notification::NOTIFY_SUCCESS];
    }

    /**
     * Says how many were discarded.
     *
     * @param int $count
     * @return string[]
     */
    private static function discarded(int $count): array {
        if ($count === 0) {
            return [get_string('admin_letters_gone', 'local_copbridge'), notification::NOTIFY_INFO];
        }
        letters_discarded::create(['other' => ['count' => $count]])->trigger();
        return [words::counted('admin_letters_discarded', $count), notification::NOTIFY_SUCCESS];
    }

    /**
     * How many rows were given up.
     *
     * @return int
     */
    private static function dead(): int {
        global $DB;
        return $DB->count_records('local_copbridge_outbox', ['dead' => 1]);
    }
}
