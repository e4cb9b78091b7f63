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

namespace local_copbridge;

use local_copbridge\local\lacking;
use local_copbridge\local\words;

/**
 * Tests of the words for the service's codes.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers     \local_copbridge\local\words
 * @covers     \local_copbridge\local\lacking
 */
final class words_test extends \advanced_testcase {
    /** @var string[] keys of strings that are said differently for one and for several */
    private const COUNTED = ['activities', 'any_of', 'cycles', 'milestones', 'sessions'];

    /**
     * The strings of a language.
     *
     * @param string $language
     * @return string[]
     */
    private static function strings(string $language): array {
        global $CFG;
        $string = [];
        require($CFG->dirroot . "/local/copbridge/lang/$language/local_copbridge.php");
        return $string;
    }

    public function test_every_code_has_words_in_both_languages(): void {
        $wanted = [];
        $topics = [
            'status' => words::STATUSES, 'statustext' => words::STATUSES, 'component' => words::COMPONENTS,
            'mode' => words::MODES, 'reason' => words::REASONS, 'other' => words::OTHERS,
        ];
        foreach ($topics as $topic => $codes) {
            foreach ($codes as $code) {
                $wanted[] = "{$topic}_{$code}";
            }
        }
        foreach (words::MISSING as $code) {
            $several = in_array($code, self::COUNTED, true);
            array_push($wanted, ...($several ? ["missing_{$code}_one", "missing_{$code}_many"] : ["missing_$code"]));
        }
        foreach (['en', 'es'] as $language) {
            $this->assertSame([], array_values(array_diff($wanted, array_keys(self::strings($language)))), $language);
        }
    }

    public function test_both_languages_say_the_same(): void {
        [$english, $spanish] = [self::strings('en'), self::strings('es')];
        $this->assertSame(array_keys($english), array_keys($spanish));
        foreach ($english as $key => $text) {
            $this->assertSame(self::parameters($text), self::parameters($spanish[$key]), $key);
        }
    }

    /**
     * The parameters of a string.
     *
     * @param string $text
     * @return string[]
     */
    private static function parameters(string $text): array {
        preg_match_all('/\{\$a(?:->\w+)?\}/', $text, $found);
        $found = array_unique($found[0]);
        sort($found);
        return $found;
    }

    /**
     * Things that are missing, and how they read.
     *
     * @return array[]
     */
    public static function missing(): array {
        return [
            ['hours', ['minutes' => 150, 'component' => null], '2 h 30 min more'],
            ['hours', ['minutes' => 60, 'component' => 'face_to_face'], '1 h more, face-to-face'],
            ['activity', ['rule' => 'm3'], 'The activity “Module 3”'],
            ['activity', ['rule' => 'm_4'], 'The activity “m 4”'],
            ['activities', ['count' => 2, 'rules' => ['m3', 'm_4']], '2 more activities out of: Module 3, m 4'],
            ['activities', ['count' => 1, 'rules' => ['m3']], 'One more activity out of: Module 3'],
            ['session', ['session' => 's1', 'title' => 'First', 'starts_at' => '2026-12-05T03:00:00+00:00'],
                'The session “First” of 4 December 2026'],
            ['session', ['session' => '', 'title' => '', 'starts_at' => '2026-12-05T03:00:00+00:00'],
                'The session of 4 December 2026'],
            ['sessions', ['count' => 2, 'kind' => null, 'mode' => null], '2 more sessions'],
            ['sessions', ['count' => 1, 'kind' => 'gathering', 'mode' => 'virtual'], 'One more session (meeting, virtual)'],
            ['milestone', ['milestone' => 'council_report', 'session' => 's1', 'starts_at' => '2026-12-05T20:00:00+00:00'],
                '“Council report” after the session of 5 December 2026'],
            ['milestone', ['milestone' => 'other_report', 'session' => null], '“other report”'],
            ['milestones', ['milestone' => 'council_report', 'count' => 3], '“Council report”, 3 times'],
            ['cycles', ['cycle' => 'pdsa', 'count' => 1], 'A full cycle “pdsa”'],
            ['phase', ['cycle' => 'pdsa', 'label' => '1', 'phase' => 'study'], 'The phase “study” of the cycle “1”'],
            ['phase', ['cycle' => 'pdsa', 'label' => '', 'phase' => 'study'], 'The phase “study” of a cycle that has begun'],
            ['any_of', ['count' => 1], 'One of these:'],
            ['setting', [], 'A figure that the program has yet to set'],
            ['calendar', [], "A date that isn't known yet"],
            ['poem', ['lines' => 4], 'Something else: the people who lead your community know what'],
        ];
    }

    /**
     * Each kind reads well.
     *
     * @dataProvider missing
     * @param string $code
     * @param array $params
     * @param string $words
     */
    public function test_missing(string $code, array $params, string $words): void {
        $lacking = new lacking(new words([
            'rule:m3' => ['en' => 'Module 3'],
            'session_kind:gathering' => ['es' => 'encuentro', 'en' => 'meeting'],
            'milestone:council_report' => ['en' => 'Council report'],
        ], 'America/Los_Angeles'));
        $this->assertSame($words, $lacking->text((object) ['code' => $code, 'params' => (object) $params]));
    }

    public function test_what_follows_a_choice_are_the_ways_to_it(): void {
        $hours = (object) ['code' => 'hours', 'params' => (object) ['minutes' => 60, 'component' => null]];
        $choice = (object) ['code' => 'any_of', 'params' => (object) ['count' => 2]];
        $this->assertSame([
            ['text' => '1 h more', 'ways' => []],
            ['text' => '2 of these:', 'ways' => ['1 h more', '1 h more']],
        ], (new lacking(new words()))->lines([$hours, $choice, $hours, $hours]));
    }

    public function test_amounts(): void {
        $hours = array_map(words::hours(...), [0, 45, 120, 150, -65]);
        $this->assertSame(['0 h', '45 min', '2 h', '2 h 30 min', '−1 h 5 min'], $hours);
        $this->assertSame(['16–20 h', '16 h', '16 h 30 min to 20 h'], [
            words::band(960, 1200), words::band(960, 960), words::band(990, 1200),
        ]);
    }

    public function test_names_are_in_the_readers_language(): void {
        $words = new words(['a' => ['en' => 'A', 'es' => 'B'], 'b' => ['es' => 'B'], 'c' => ['en' => ' ']]);
        $this->assertSame(['A', 'B', 'c', 'd e'], [$words->name('a'), $words->name('b'), $words->name('c'), $words->name('x:d_e')]);
        $this->assertSame(['online', 'own one'], [$words->component('online'), $words->component('own_one')]);
    }

    public function test_codes_that_are_newer_than_the_plugin_have_words(): void {
        $words = new words();
        $this->assertSame(get_string('reason_other', 'local_copbridge'), $words->reason('poem'));
        $this->assertSame(get_string('other_line', 'local_copbridge'), $words->other('poem', ''));
        $this->assertSame('Counted once: it was done in more than one way', $words->other('best-of', ''));
    }
}
